"""Write a trained network into a file that runs without this project: ONNX, OpenVINO or PyTorch's exported program.

python export.py --help
python export.py ckpt=outputs/first/checkpoints/best.ckpt output=first.onnx
python export.py ckpt=IMDN_x4.pth output=imdn.xml    # OpenVINO: imdn.xml and imdn.bin
python export.py ckpt=IMDN_x4.pth output=imdn_int8.xml quantise=int8 data.train=DIV2K/    # 8 bits, for CPUs
python predict.py ckpt=first.onnx input=photos/ output=upscaled/
"""

from sr.cli.export import main

if __name__ == "__main__":
    main()
