"""Upscale image files: one file, a folder with its sub-folders, or a pattern.

python predict.py --help
python predict.py ckpt=outputs/first/checkpoints/best.ckpt input=photos/ output=upscaled/
python predict.py ckpt=first.ckpt input=film.mp4 output=large.mp4         # a video, with its audio and subtitles
python predict.py ckpt=volumes.ckpt input=scan.nii.gz output=thin.nii.gz  # a network for volumes
python predict.py ckpt=burst.ckpt input=frames/ output=one.png            # a network for bursts; network=shift_and_add scale=2
python predict.py ckpt=[a.ckpt,b.pth] input=photo.png compare=true        # one HTML page that shows them side by side
"""

from sr.cli.predict import main

if __name__ == "__main__":
    main()
