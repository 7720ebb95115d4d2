"""Parts for volumes and parts for pictures in one run are refused in one line, whichever comes first."""

import pytest

from sr import build
from sr.errors import InputError
from tests.jobs import compose

VOLUME = ("model=edsr3d", "network.n_feats=4", "network.n_blocks=1", "data.train=x", "benchmark.volumes.hr=x")
REFUSED = {
    "network": (build.network, ["network=edsr3d"], "axes=None: choose isotropic, through_plane"),
    "picture": (build.network, ["model=edsr3d", "network=compact"], "Compact is for pictures, but axes=through_plane: volumes"),
    "data": (
        build.data,
        ["axes=through_plane"],
        "axes=through_plane is for volumes, but data=data has pictures: pass data=vol",
    ),
    "axes": (build.data, [*VOLUME, "axes=null"], "data=volumes needs axes=through_plane or axes=isotropic"),
    "degradation": (
        build.data,
        [*VOLUME, "degradation=[bicubic]"],
        "degradation=bicubic is for pictures",
    ),
    "metric": (build.model, [*VOLUME, "metric=[psnr]"], "metric=psnr is for pictures, but axes is for volumes: pass"),
    "volume": (build.model, ["metric=[psnr_volume]"], "metric=psnr_volume is for volumes, not for pictures"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_together_is_one_line(case):
    make, words, says = REFUSED[case]
    with pytest.raises(Exception, match=says) as error:
        make(compose("train", *words))
    assert isinstance(error.value.__cause__ or error.value, InputError)
