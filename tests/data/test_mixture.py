import numpy as np
import pytest

from sr.data.mixture import Mixture
from sr.data.source.folder import Folder
from sr.data.source.weighted import weighted
from sr.functional.draws import Draws


def sets(*counts: int) -> list[np.ndarray]:
    """Arrays whose values say which image of which set they are."""
    return [np.arange(count) + 1000 * part for part, count in enumerate(counts)]


def test_is_all_sets_one_after_the_other():
    mixture = Mixture(sets(3, 1, 2))
    assert len(mixture) == 6
    assert [int(mixture[index]) for index in range(6)] == [0, 1, 2, 1000, 2000, 2001]


def test_without_weights_all_images_are_drawn_equally_often():
    drawn = Mixture(sets(2, 6)).draw(Draws(0, 0, 80_000, "test"))
    np.testing.assert_allclose(np.bincount(drawn, minlength=8) / 80_000, 1 / 8, atol=0.005)


def test_a_weight_is_how_often_an_image_is_drawn():
    drawn = Mixture(sets(2, 6), [3, 1]).draw(Draws(0, 0, 120_000, "test"))
    expected = np.array([3, 3, 1, 1, 1, 1, 1, 1]) / 12
    np.testing.assert_allclose(np.bincount(drawn, minlength=8) / 120_000, expected, atol=0.005)


def test_a_sample_is_a_function_of_seed_and_number():
    mixture = Mixture(sets(7, 5, 3), [1, 0.5, 4])
    many = mixture.draw(Draws(2, 0, 500, "test"))
    for start in (0, 17, 499):
        assert mixture.draw(Draws(2, start, 1, "test"))[0] == many[start]


def test_what_a_config_may_say(tmp_path):
    source = Folder(tmp_path)
    train = [{"path": "/a", "weight": 2}, "/b", source, {"source": source, "weight": 0.5}, {"path": "/c", "lr": "/d"}]
    entries = weighted(train)
    assert [weight for _, weight in entries] == [2.0, 1.0, 1.0, 0.5, 1.0]
    assert [str(entry.path) for entry, _ in entries] == ["/a", "/b", str(tmp_path), str(tmp_path), "/c"]
    assert str(entries[4][0].lr) == "/d"
    assert str(weighted("/a", lr="/b")[0][0].lr) == "/b"
    assert weighted({"path": "/a", "weight": 3})[0][1] == 3


@pytest.mark.parametrize(
    ("train", "lr", "message"),
    [
        ([{"path": "/a", "wieght": 2}], None, "data.train: unknown key 'wieght' in {path: /a, wieght: 2}; choose from path"),
        ([{"weight": 2}], None, "{weight: 2} needs either path or source"),
        ([{"path": "/a", "weight": 0}], None, "weight must be a positive number, got 0"),
        ([{"path": "/a", "weight": "much"}], None, "weight must be a positive number, got 'much'"),
        ([{"path": "/a", "weight": float("nan")}], None, "weight must be a positive number"),
        ([{"source": Folder("/a"), "lr": "/b"}], None, "lr needs path"),
        (["/a", "/b"], "/c", "data.lr needs a single folder"),
        ([], None, "data.train is an empty list"),
        ("", None, "data.train='' is not a folder; for the working folder pass ."),  # data.train=$PHOTOS, not set
        ("/a", "", "data.lr='' is not a folder"),
        ([{"path": None}], None, "data.train=None is not a folder"),
        (None, None, "data.train=None: pass a folder, a source, or a list of them"),
        ([5], None, "data.train=5: pass a folder"),
    ],
)
def test_errors(train, lr, message):
    with pytest.raises(ValueError) as error:
        weighted(train, lr)
    assert message in str(error.value) and "\n" not in str(error.value)
