def test_keys_and_shapes(build):
    """yjn870/ESPCN-pytorch at x3; (f1, n1) = (5, 64), (f2, n2) = (3, 32), f3 = 3 of the paper."""
    assert {key: value.shape for key, value in build("espcn", 3).state_dict().items()} == {
        "first_part.0.weight": (64, 1, 5, 5),
        "first_part.0.bias": (64,),
        "first_part.2.weight": (32, 64, 3, 3),
        "first_part.2.bias": (32,),
        "last_part.0.weight": (9, 32, 3, 3),
        "last_part.0.bias": (9,),
    }
