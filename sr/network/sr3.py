"""SR3: super-resolution by iterated denoising of an image, beside the upsampled LR.

Saharia, Ho, Chan, Salimans, Fleet, Norouzi: Image Super-Resolution via Iterative Refinement, 2021, arXiv:2104.07636.
"""

from collections.abc import Sequence

from sr.functional.noise_level import Preserving
from sr.network.denoiser import Denoiser, Norm
from sr.network.diffusion import Diffusion, check_positive
from sr.network.upsample import check_channels, check_scale


class SR3(Diffusion):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW) in [0, 1]; x1 (restoration), x2, x3, x4, x8.

    The defaults are the paper's network from 16x16 to 128x128 (appendix A, 550M parameters). Unlike there the denoiser sees the
    log-SNR in place of the noise level itself, and times are continuous.

    Args:
        n_feats, multipliers, n_blocks, attention, fold, norm, dropout, vector, tokens: of `sr.network.denoiser.Denoiser`.
        schedule: "linear" or "cosine".
        prediction, std, steps, sampler, seed, guidance: of `sr.network.diffusion.Diffusion`.
        residual: diffuse HR minus the upsampled LR, as SRDiff does (Li et al. 2021, arXiv:2104.14951); false: HR.
    """

    def __init__(
        self,
        *,
        scale: int = 8,
        channels: int = 3,
        n_feats: int = 128,
        multipliers: Sequence[int] = (1, 2, 4, 8, 8),
        n_blocks: int = 3,
        attention: Sequence[int] = (3,),
        fold: int = 1,
        norm: Norm = "group",
        dropout: float = 0.2,
        schedule: str = "linear",
        prediction: str = "epsilon",
        residual: bool = False,
        std: float = 1.0,
        steps: int = 100,
        sampler: str = "ddpm",
        seed: int = 0,
        guidance: float = 1.0,
        vector: int | None = None,
        tokens: int | None = None,
    ) -> None:
        scale = check_scale(scale, (1, 2, 3, 4, 8))
        check_positive(std=std)
        super().__init__(
            scale=scale,
            channels=channels,
            levels=Preserving(schedule),
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
            residual=residual,
            std=std,
            most_steps=2000,  # the steps that SR3 is trained with
            steps=steps,
            sampler=sampler,
            seed=seed,
            guidance=guidance,
        )
