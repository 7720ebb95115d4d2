"""The README's picture: a crop of a photo in LR, bicubic, a network's SR and HR, side by side.

    python bench/picture.py ckpt=PAN_x4.pth input=photo.png crop=TOP,LEFT,SIDE output=experiments/gain.png

LR is the photo, downscaled by MATLAB's bicubic by the network's scale. `crop` counts HR pixels; `zoom=2` doubles each pixel.
Prints the PSNR of the whole photo on Y, with a border of `scale` pixels cut, for bicubic and for the network.
"""

import sys

import torch
from PIL import Image

import sr
from common import options
from sr.functional.bicubic import enlarged
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_pixels, to_tensor
from sr.infer.upscaler import upscale
from sr.metric.psnr import PSNR
from sr.view.panel import titled


@torch.inference_mode()
def main() -> None:
    asked = options(__doc__ or "", "ckpt", "input", "crop", "output", "zoom")
    if missing := {"ckpt", "input", "crop", "output"} - set(asked):
        sys.exit(f"missing option: pass {', '.join(f'{name}=...' for name in sorted(missing))}")
    network = sr.load(asked["ckpt"])
    scale, zoom = network.scale, int(asked.get("zoom", 1))
    hr = to_tensor(read_rgb8(asked["input"]))
    hr = hr[..., : hr.shape[-2] // scale * scale, : hr.shape[-1] // scale * scale]
    lr = imresize(hr, 1 / scale, rounding=True)
    pictures = {
        "LR": lr.repeat_interleave(scale, -2).repeat_interleave(scale, -1),
        "bicubic": enlarged(lr, scale),
        "SR": upscale(network, lr, tile=192).clamp(0, 1),
        "HR": hr,
    }
    top, left, side = map(int, asked["crop"].strip("[]").split(","))
    crops = {
        name: Image.fromarray(to_pixels(image[..., top : top + side, left : left + side])) for name, image in pictures.items()
    }
    titled({name: crop.resize((side * zoom,) * 2, Image.Resampling.NEAREST) for name, crop in crops.items()}).save(
        asked["output"]
    )
    psnr = PSNR(crop_border=scale)
    print(*(f"{name} {float(psnr(pictures[name], hr)):.2f} dB" for name in ("bicubic", "SR")), sep=", ")


if __name__ == "__main__":
    main()
