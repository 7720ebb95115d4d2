"""ResShift: diffusion from LR to HR, which shifts the residual between them; few steps. Here in the space of pixels.

Yue, Wang, Loy: ResShift: Efficient Diffusion Model for Image Super-resolution by Residual Shifting, 2023, arXiv:2307.12348.
Written from the paper, which works in the latent space of an autoencoder.
"""

import math
from collections.abc import Sequence

from sr.errors import InputError
from sr.functional.noise_level import Shifting
from sr.network.denoiser import Denoiser, Norm
from sr.network.diffusion import Diffusion, check_positive
from sr.network.upsample import check_channels, check_scale


class ResShift(Diffusion):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW) in [0, 1]; x1 (restoration), x2, x3, x4, x8.

    The defaults of the noise are the paper's; the denoiser is ours. With "x0" it returns HR minus the upsampled LR, which
    stands for the paper's HR.

    Args:
        n_feats, multipliers, n_blocks, attention, fold, norm, dropout, vector, tokens: of `sr.network.denoiser.Denoiser`.
        kappa: strength of the noise, of values in [-1, 1].
        power: growth of the shifting sequence (p in equation 10).
        train_steps: number of noise levels that are trained; None: all between the first and the last, so that any number of
            steps can be taken.
        prediction, std, steps, sampler, seed, guidance: of `sr.network.diffusion.Diffusion`; `sampler=ddpm` is the paper's.

    Raises:
        InputError: kappa, power or std is not above 0; more steps than were trained.
    """

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 64,
        multipliers: Sequence[int] = (1, 2, 2, 4),
        n_blocks: int = 2,
        attention: Sequence[int] = (),
        fold: int = 1,
        norm: Norm = "pixel",
        dropout: float = 0.0,
        kappa: float = 2.0,
        power: float = 0.3,
        train_steps: int | None = 15,
        prediction: str = "x0",
        std: float = 1.0,
        steps: int = 15,
        sampler: str = "ddpm",
        seed: int = 0,
        guidance: float = 1.0,
        vector: int | None = None,
        tokens: int | None = None,
    ) -> None:
        scale = check_scale(scale, (1, 2, 3, 4, 8))
        check_positive(kappa=kappa, power=power, std=std)
        if train_steps is not None and (type(train_steps) is not int or train_steps < 1):
            raise InputError(f"network.train_steps={train_steps}: pass a whole number from 1 up, or null for all noise levels")
        smallest = min(0.04 / kappa, math.sqrt(0.001))  # section 3.2: little noise is left at the end
        super().__init__(
            scale=scale,
            channels=channels,
            levels=Shifting(kappa=kappa / std, power=power, train_steps=train_steps, smallest=smallest),
            denoiser=Denoiser(
                2 * check_channels(channels),
                channels,
                n_feats=n_feats,
                multipliers=multipliers,
                n_blocks=n_blocks,
                attention=attention,
                fold=fold,
                norm=norm,
                dropout=dropout,
                vector=vector,
                tokens=tokens,
            ),
            prediction=prediction,
            residual=True,
            std=std,
            most_steps=train_steps or 1000,
            steps=steps,
            sampler=sampler,
            seed=seed,
            guidance=guidance,
        )
