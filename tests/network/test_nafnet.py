import pytest
import torch
from spandrel.architectures.NAFNet import NAFNet as Theirs

from sr.errors import InputError
from sr.network.nafnet import NAFNet
from tests.real import of_bands

BLUR = {"encoder_blocks": (1, 1, 1, 28), "n_middle_blocks": 1, "decoder_blocks": (1, 1, 1, 1)}


@pytest.mark.parametrize(
    ("options", "millions"),
    [({}, 29.16), ({"n_feats": 64}, 115.98), (BLUR, 17.11), (BLUR | {"n_feats": 64}, 67.89)],
    ids=["sidd32", "sidd64", "gopro32", "gopro64"],
)
def test_parameters_are_those_of_the_four_releases(options, millions):
    with torch.device("meta"):
        network = NAFNet(**options)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize("channels", [3, 6])
def test_weights_of_the_release_give_the_same_image_as_spandrel(sr_data, channels):
    torch.manual_seed(0)
    theirs = Theirs(img_channel=channels, width=8, enc_blk_nums=[1, 3, 2], middle_blk_num=2, dec_blk_nums=[2, 1, 1]).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.2)  # the factors that begin as 0 too
    ours = NAFNet(channels=channels, n_feats=8, encoder_blocks=(1, 3, 2), n_middle_blocks=2, decoder_blocks=(2, 1, 1)).eval()
    ours.load_state_dict(theirs.state_dict())
    lr = of_bands(sr_data, 6)[:, :channels, :64, :40]
    with torch.inference_mode():
        expected = theirs(lr)
        assert (expected - lr).abs().mean() > 0.1
        torch.testing.assert_close(ours(lr), expected, atol=1e-5, rtol=1e-5)


def test_it_is_for_restoration_and_has_as_many_levels_up_as_down():
    with pytest.raises(InputError, match="^scale 2 is not supported; choose one of 1$"):
        NAFNet(scale=2)
    with pytest.raises(InputError, match=r"^network.encoder_blocks=\[1, 1\] and network.decoder_blocks=\[1\]: "):
        NAFNet(encoder_blocks=(1, 1), decoder_blocks=(1,))
