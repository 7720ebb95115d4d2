"""Training samples of clips lie in one scene: the cuts of stored clips, which samples there are, and what is said."""

import subprocess
from shutil import which

import numpy as np
import pytest
import torch

from sr.augmentation.chain import Chain
from sr.data.clip_patches import _frames
from sr.data.clip_store import ClipStore
from sr.data.clips import ClipData
from sr.data.plan import Plan
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain as Degradations
from sr.errors import InputError
from sr.image.kind import PHOTO
from tests.clips import moving, write_frames

CUTS = [5, 12]  # of `film`


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A folder of a clip of three scenes, of 5, 7 and 3 frames."""
    scenes = [moving("chelsea", 5), moving("motorcycle_left", 7), moving("chelsea", 3, step=(5, 0))]
    folder = tmp_path_factory.mktemp("film")
    write_frames(folder / "hr" / "film", np.concatenate(scenes))
    write_frames(folder / "hr" / "still", moving("ihc", 6))
    return folder


def clips(train, cache, **options) -> ClipData:
    settings = {"frames": 4, "patch_size": 8, "batch_size": 4, "seed": 3, "cuts": 10, "cache_dir": str(cache)} | options
    chain = Degradations({"bicubic": Bicubic(2)}, 2)
    data = ClipData(train=str(train), benchmark={}, degradation=chain, augmentation=Chain({}), scale=2, **settings)
    data.prepare_data()
    data.setup("fit")
    return data


def firsts(data: ClipData, clip: int, batches: int = 12) -> set[int]:
    """The first frames of the samples of a clip, found by their pixels."""
    whole, found = torch.from_numpy(np.array(data.hr[clip])), set()
    for index in range(batches):
        for sample in data.patches(Plan(seed=3, phases=data.phases)).batch(index)["hr"]:
            near = (whole == sample[0, 0, 0]).all(-1)
            for t, y, x in near.nonzero().tolist():
                part = whole[t : t + len(sample), y : y + sample.shape[1], x : x + sample.shape[2]]
                found |= {t} if torch.equal(part, sample) else set()
    return found


def test_samples_do_not_cross_a_cut(film, tmp_path, capsys):
    data = clips(film / "hr", tmp_path)
    said = "2 cuts in film: samples do not cross them; 3 frames in scenes of fewer than 4 frames are not used\n"
    assert capsys.readouterr().out.endswith(f"training: 2 clips of 21 frames\n{said}")
    assert data._scenes == [[0, *CUTS, 15], [0, 6]]
    assert firsts(data, 0) == {0, 1, 5, 6, 7, 8} and firsts(data, 1) == {0, 1, 2}
    crossing = firsts(clips(film / "hr", tmp_path, cuts=None), 0, 20)
    assert crossing - {0, 1, 5, 6, 7, 8} and "cut" not in capsys.readouterr().out


def test_without_cuts_the_samples_are_those_of_versions_that_did_not_look_for_them(film, tmp_path):
    looked, not_looked = (clips(film / "hr" / "still", tmp_path, cuts=cuts) for cuts in (10, None))
    for index in range(3):
        one, other = (data.patches(Plan(seed=3, phases=data.phases)).batch(index)["hr"] for data in (looked, not_looked))
        assert torch.equal(one, other)


def test_a_store_without_scores_gets_them_and_stays_otherwise(film, tmp_path):
    data = clips(film / "hr", tmp_path, cuts=None)
    store = data._stores[0][0]
    before = {file: file.stat().st_mtime_ns for file in store.cached}
    assert not (store.folder / "scenes.json").exists()
    assert clips(film / "hr", tmp_path)._scenes[0] == [0, *CUTS, 15]
    assert {file: file.stat().st_mtime_ns for file in store.cached} == before
    assert clips(film / "hr", tmp_path, cuts=100)._scenes[0] == [0, 15]  # another score needs no new look
    written = (store.folder / "scenes.json").stat().st_mtime_ns
    write_frames(film / "hr" / "still", moving("ihc", 7))  # changed: decoded and looked at again, the others are kept
    assert clips(film / "hr", tmp_path)._scenes == [[0, *CUTS, 15], [0, 7]]
    assert (store.folder / "scenes.json").stat().st_mtime_ns != written
    (film / "hr" / "still" / "6.png").unlink()


def test_all_places_within_scenes_are_equally_likely():
    draws = [tuple(_frames((n + 0.5) / 6000, 4, [0, 5, 12, 15])) for n in range(6000)]
    assert {part: draws.count(part) for part in set(draws)} == {tuple(range(t, t + 4)): 1000 for t in (0, 1, 5, 6, 7, 8)}
    assert _frames(0.9, 9, [0, 2, 5, 7]) == [2, 3, 4, 4, 3, 2, 2, 3, 4]  # none is so long: the longest goes back and forth


def test_scenes_that_are_too_short_are_one_line(film, tmp_path):
    with pytest.raises(InputError, match="film: at most 7 frames between two scene cuts, but data.frames=8: .*data.cuts=null$"):
        clips(film / "hr" / "film", tmp_path, frames=8)
    assert len(clips(film / "hr" / "film", tmp_path, frames=8, short="mirror").hr) == 1
    for wrong in (0, -1, 101, "ten"):
        with pytest.raises(InputError, match=f"^data.cuts={wrong}: pass a score from 0 to 100, such as 10, or null$"):
            clips(film / "hr", tmp_path, cuts=wrong)


def test_the_cut_of_a_real_film_is_that_of_ffmpeg(sr_data, tmp_path, monkeypatch):
    """Two clips that FFmpeg has put together; the store does not depend on the number of threads and of worker processes."""
    pytest.importorskip("av", reason='needs pip install ".[video]"')
    if which("ffmpeg") is None:
        pytest.skip("no ffmpeg")
    sources = [sr_data / "domains" / "video" / "clips" / name for name in ("carphone_pristine.mp4", "bikes.mp4")]
    (tmp_path / "hr").mkdir()
    film = tmp_path / "hr" / "two.mkv"
    same = "".join(f"[{n}:v]scale=176:144,setsar=1,fps=25,trim=end_frame={12 + n}[v{n}];" for n in range(2))
    join = ["-filter_complex", f"{same}[v0][v1]concat=n=2:v=1[v]", "-map", "[v]", "-c:v", "libx264", "-bf", "2", str(film)]
    words = ["ffmpeg", "-v", "error", *(word for source in sources for word in ("-i", str(source))), *join]
    subprocess.run(words, check=True)
    data = clips(tmp_path / "hr", tmp_path / "cache")
    assert data._scenes == [[0, 12, 25]]
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    again = ClipStore([film], tmp_path / "again", "stop", PHOTO)
    again.build()
    again.score_cuts()
    assert again.cached[0].read_bytes() == data.hr.sets[0].cached[0].read_bytes() and again.scenes(10) == data._scenes
