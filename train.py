"""Train a network, test its best checkpoint against bicubic, write everything to output_dir.

python train.py --help
python train.py experiment=quickstart output_dir=outputs/first
"""

from sr.cli.train import main

if __name__ == "__main__":
    main()
