import pytest

from sr.network.srcnn import SRCNN


# Dong et al. 2015, section 4.3.2, counts weights without biases; 57K is what later papers report.
@pytest.mark.parametrize(("name", "n_weights"), [("srcnn_915", 8032), ("srcnn_935", 24416), ("srcnn_955", 57184)])
def test_n_weights(build, name, n_weights):
    assert sum(p.numel() for p in build(name, 3).parameters() if p.ndim == 4) == n_weights


def test_default_is_955(build):
    sizes = {key: value.shape for key, value in build("srcnn", 3).state_dict().items()}
    assert sizes == {  # yjn870/SRCNN-pytorch
        "conv1.weight": (64, 1, 9, 9),
        "conv1.bias": (64,),
        "conv2.weight": (32, 64, 5, 5),
        "conv2.bias": (32,),
        "conv3.weight": (1, 32, 5, 5),
        "conv3.bias": (1,),
    }


def test_even_kernel():
    with pytest.raises(ValueError, match=r"^kernel_sizes \[9, 4, 5\] must be three odd numbers"):
        SRCNN(kernel_sizes=(9, 4, 5))
