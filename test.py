"""Score a checkpoint and bicubic on benchmarks by the papers' protocol.

python test.py --help
python test.py ckpt=outputs/first/checkpoints/best.ckpt benchmark=[set5,set14]
python test.py ckpt=IMDN_x4.pth benchmark=[set5]    # a released file
python test.py ckpt=liif.ckpt scale=[2,3.5,6]       # a network of any scale: one table
python test.py published=all                        # compare with the tables of papers
"""

from sr.cli.test import main

if __name__ == "__main__":
    main()
