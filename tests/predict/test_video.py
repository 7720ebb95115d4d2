"""predict.py on videos: the frames are those of the network; a stopped job ends with the same file; errors are one line."""

import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from torch import nn

from sr.cli.predict import predict
from sr.device.ahead import Behind, ahead
from sr.errors import InputError, MissingError, StorageError
from sr.files import digest
from sr.image import video
from sr.image.file import to_pixels, to_tensor
from sr.predict.frames import predict_frames
from sr.predict.plan import plan
from sr.predict.video import VideoSettings, predict_videos
from sr.predict.video_plan import is_live, plan_videos, videos
from tests.infer.test_clip import Recurrent, run
from tests.jobs import ROOT, compose
from tests.predict.clips import film, pictures
from tests.predict.jobs import BICUBIC

av = pytest.importorskip("av")
LOSSLESS = {"codec": "ffv1", "chroma": 444}


def packets(path: Path, kind: str) -> list[tuple[float, bytes]]:
    with av.open(path) as file:
        found = (packet for packet in file.demux(next(s for s in file.streams if s.type == kind)) if packet.size)
        return [(float(packet.pts * packet.time_base), bytes(packet)) for packet in found]


class Stopping(nn.Module):
    """Bicubic x2 that is stopped by Ctrl-C at a frame."""

    scale, multiple_of = 2, 1

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def forward(self, lr):
        self.at -= 1
        if self.at < 0:
            raise KeyboardInterrupt
        return BICUBIC(lr)


@pytest.fixture(autouse=True)
def one_name(monkeypatch):
    """The network that stops and the one that does not have the same weights: none; and here the same fingerprint."""
    monkeypatch.setattr(
        "sr.predict.video.fingerprint", lambda network: type(network).__name__.replace("Stopping", "Interpolation")
    )


def test_frames_sound_and_times_are_kept(tmp_path, capsys):
    source = film(tmp_path / "in.mkv", pictures(9), sound=True)
    result = predict_videos(BICUBIC, [(source, tmp_path / "out" / "big.mkv")], VideoSettings(part=4, **LOSSLESS))
    assert (result.written, result.failed) == (1, 0) and "frames/s" in capsys.readouterr().err
    found = list(video.frames(tmp_path / "out" / "big.mkv"))
    wanted = [to_pixels(BICUBIC(to_tensor(frame))) for frame in video.frames(source)]
    assert len(found) == 9 and np.abs(np.stack(found).astype(int) - np.stack(wanted)).max() <= 2  # 8 bits of YUV
    assert packets(tmp_path / "out" / "big.mkv", "audio") == packets(source, "audio") != []
    times = [[time for time, _ in packets(path, "video")] for path in (source, tmp_path / "out" / "big.mkv")]
    assert times[0] == times[1]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["big.mkv"]


@pytest.mark.parametrize(("ending", "codec"), [(".mp4", "auto"), (".mkv", "ffv1")])
def test_a_stopped_job_goes_on_to_the_same_file(ending, codec, tmp_path, capsys):
    source, settings = film(tmp_path / "in.mkv", pictures(11)), VideoSettings(codec=codec, part=3)
    whole, target = tmp_path / f"whole{ending}", tmp_path / f"cut{ending}"
    predict_videos(BICUBIC, [(source, whole)], settings)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            predict_videos(Stopping(5), [(source, target)], settings)
    said = capsys.readouterr().err
    assert "3 frames are kept in" in said and "goes on after frame 3" in said and not target.exists()
    parts = sorted((tmp_path / f".{target.name}.parts").glob("*.mkv"))
    assert len(parts) >= 2 and len(list(video.frames(parts[0]))) == 3  # each can be played
    predict_videos(BICUBIC, [(source, target)], settings)
    assert digest(target) == digest(whole)
    assert not (tmp_path / f".{target.name}.parts").exists()


def test_parts_of_other_settings_are_not_used(tmp_path, capsys):
    source = film(tmp_path / "in.mkv", pictures(5))
    with pytest.raises(KeyboardInterrupt):
        predict_videos(Stopping(3), [(source, tmp_path / "a.mkv")], VideoSettings(part=2, **LOSSLESS))
    predict_videos(BICUBIC, [(source, tmp_path / "a.mkv")], VideoSettings(part=2, codec="ffv1"))
    assert "parts of an earlier job with other settings are removed" in capsys.readouterr().err
    assert video.facts(tmp_path / "a.mkv").format == "yuv420p"


def test_a_network_for_clips_in_segments_and_scenes(tmp_path):
    dark, light = [frame // 4 for frame in pictures(30)], [255 - frame // 4 for frame in pictures(20, seed=1)]
    source, settings = film(tmp_path / "in.mkv", dark + light), VideoSettings(segment=12, overlap=4, part=7, **LOSSLESS)
    Recurrent.seen.clear()
    predict_videos(Recurrent(), [(source, tmp_path / "out.mkv")], settings)
    assert Recurrent.seen == [12, 12, 12, 6, 12, 12]  # 30 frames, then a cut
    assert len(list(video.frames(tmp_path / "out.mkv"))) == 50


def test_a_full_disk_leaves_what_was_written(tmp_path):
    noise = list(np.random.default_rng(0).integers(0, 256, (8, 120, 160, 3), np.uint8))
    source, target, whole = film(tmp_path / "in.mkv", noise), tmp_path / "big.mkv", tmp_path / "whole.mkv"
    settings, limits = VideoSettings(part=3, **LOSSLESS), resource.getrlimit(resource.RLIMIT_FSIZE)
    predict_videos(BICUBIC, [(source, whole)], settings)
    kept = "^[^:]*big.mkv: File too large; 8 frames are kept in .*parts and can be played: run the same command to go on$"
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (whole.stat().st_size // 2, limits[1]))  # enough for a part of three frames
        with pytest.raises(StorageError, match=kept) as caught:
            predict_videos(BICUBIC, [(source, target)], settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value) and not target.exists()
    assert sum(len(list(video.frames(part))) for part in (tmp_path / ".big.mkv.parts").glob("*.mkv")) == 8
    predict_videos(BICUBIC, [(source, target)], settings)
    assert len(list(video.frames(target))) == 8


def test_broken_videos_are_kept_or_refused(tmp_path, sr_data, capsys):
    path = sr_data / "domains" / "video" / "odd" / "carphone_mjpeg.avi"
    (tmp_path / "cut.avi").write_bytes(path.read_bytes()[:30_000])
    pair = [(tmp_path / "cut.avi", tmp_path / "cut.mkv")]
    assert predict_videos(BICUBIC, pair, VideoSettings(broken="refuse")).failed == 1
    assert "broken (Invalid data" in capsys.readouterr().err
    assert predict_videos(BICUBIC, pair, VideoSettings()).written == 1
    assert "7 frames were read, at least 1 are missing" in capsys.readouterr().err
    assert len(list(video.frames(tmp_path / "cut.mkv"))) == 7


@pytest.mark.medium
def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "in.mkv", pictures(3))
    words = ["network=interpolation_bicubic", "scale=2", "input=in.mkv", "device=cpu", "+ckpt=null"]
    words += ["size=48x40", "video.codec=ffv1", "output=out.mkv"]
    with pytest.raises(SystemExit) as ended:
        predict(compose("predict", *words))
    assert ended.value.code == 0 and video.facts(tmp_path / "out.mkv").width == 48
    assert "another aspect ratio than size=48x40" in capsys.readouterr().err
    for more, reason in (
        (["output=a.gif"], r"output=a.gif: .gif cannot be written: choose one of .mp4"),
        (["alpha_upscale=network"], "alpha_upscale=network is not for videos"),
        (["video.quality=-1"], "video.quality=-1"),
        (["video.part=x"], "video.part=x"),
        (["output=in.mkv"], "would overwrite an input"),
        (["size=null", "outscale=-1"], "outscale=-1: choose a factor such as 3.5"),
    ):
        with pytest.raises(InputError, match=reason):
            predict(compose("predict", *words[:-1], "output=b.mkv", *more))


@pytest.mark.parametrize(
    ("key", "value"),
    [("codec", "mpeg"), ("quality", "abc"), ("chroma", "x"), ("stream", -1), ("broken", "x"), ("segment", "x"), ("segment", 4)]
    + [("overlap", "x"), ("cuts", "abc"), ("part", 0), ("drop", "maybe"), ("shown", None), ("colour", 1)],
)
def test_wrong_settings_name_their_key_and_no_class(key, value):
    with pytest.raises(InputError, match=rf"^video\.{key}") as caught:
        VideoSettings.of({"quality": 20, key: value})
    assert "VideoSettings" not in str(caught.value)
    with pytest.raises(InputError, match=r"^video.quality=60: h264 has 0 .best. to 51$"):
        VideoSettings.of({"quality": 60}).check(Path("a.mp4"))
    VideoSettings.of({"quality": 60}).check(Path("a.webm"))


def test_folders_of_frames_are_clips(tmp_path, capsys):
    frames, folder = pictures(12), tmp_path / "walk"
    folder.mkdir()
    for number, frame in enumerate(frames, 1):
        PIL.Image.fromarray(frame).save(folder / f"f{number}.png")
    settings, files = VideoSettings(segment=8, overlap=4), plan(folder, tmp_path / "out")
    Recurrent.seen.clear()
    assert predict_frames(Recurrent(), files, settings).written == 12 and Recurrent.seen == [8, 8]
    found = [np.array(PIL.Image.open(tmp_path / "out" / f"f{number}.png")) for number in range(1, 13)]
    assert np.array_equal(np.stack(found), run(Recurrent(), frames, 8, 4))  # f10 comes after f9
    (tmp_path / "out" / "f11.png").unlink()
    assert (again := predict_frames(Recurrent(), files, settings)).written == 2 and again.skipped == 10
    assert np.array_equal(np.array(PIL.Image.open(tmp_path / "out" / "f11.png")), found[10])
    PIL.Image.fromarray(frames[0][:-2]).save(folder / "f4.png")
    assert predict_frames(Recurrent(), files, settings, overwrite=True).failed == 1
    assert "f4.png is 32x22 of 8 bits, but the frames before are 32x24" in capsys.readouterr().err


def test_which_inputs_are_videos(tmp_path):
    for name in ("films/a.mp4", "films/sub/b.AVI", "films/.hidden/c.mp4", "both/a.mp4", "both/p.png", "frames/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    folder = tmp_path / "films"
    found = videos(folder)
    assert [file.name for file, _ in found] == ["a.mp4", "b.AVI"]
    assert videos(str(folder / "*.mp4")) == [(folder / "a.mp4", folder)] and videos([folder, tmp_path / "both" / "a.mp4"])
    both = tmp_path / "both"
    for mixed in ([both / "a.mp4", both / "p.png"], both, str(both / "*"), [tmp_path / "frames", folder]):
        with pytest.raises(InputError, match="has a video, .*a.mp4, and a picture, .*.png: pass them in two commands"):
            videos(mixed)
    with pytest.raises(MissingError, match="none.mp4: no such file"):
        videos([folder, tmp_path / "none.mp4"])
    with pytest.raises(MissingError, match="frames/..mp4: no such file"):
        videos(str(tmp_path / "frames" / "*.mp4"))
    assert all(videos(tmp_path / name) is None for name in ("frames", "none.png", "frames/*.png"))
    (folder / "notes.txt").touch()
    with pytest.warns(UserWarning, match="films: skipped files that are not videos: 1 .txt"):
        assert len(videos(folder)) == 2
    with pytest.warns(UserWarning, match="results become .mkv.*AVI"):
        pairs = plan_videos(found, tmp_path / "out", suffix="_x2")
    assert [str(target.relative_to(tmp_path)) for _, target in pairs] == ["out/a_x2.mp4", "out/sub/b_x2.mkv"]
    assert [is_live(name) for name in ("-", "rtsp://camera/1", "/dev/video0", "a.mp4")] == [True, True, True, False]


def test_where_results_of_videos_may_be(tmp_path):
    for name in ("films/a.mp4", "films/sub/b.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    folder, one = tmp_path / "films", tmp_path / "films" / "a.mp4"
    assert plan_videos(videos(one), folder, suffix="_x2") == [(one, folder / "a_x2.mp4")]  # beside it
    with pytest.raises(InputError, match="would overwrite an input"):
        plan_videos(videos(one), folder)
    with pytest.raises(InputError, match="all.mp4 is a file, but there are 2 videos: pass a folder"):
        plan_videos(videos(folder), tmp_path / "all.mp4")
    for source in (folder, str(folder / "*.mp4")):
        with pytest.raises(InputError, match="films is the input folder"):
            plan_videos(videos(source), folder, suffix="_x2")
    assert [file for file, _ in plan_videos(videos(folder), folder / "sub")] == [one]  # its results are no inputs
    with pytest.raises(MissingError, match="contains all input videos, .*a.mp4"):
        plan_videos(videos(folder), tmp_path)


def test_ahead_and_behind():
    def failing():
        yield 1
        raise ValueError("two")

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(ValueError, match="two"):
        next(items)
    assert list(ahead(range(20), 3)) == list(range(20))
    done, behind = [], Behind(2)
    for number in range(9):
        behind(done.append, number)
    behind.wait()
    assert done == list(range(9))
    with pytest.raises(ZeroDivisionError):
        [behind(lambda: 1 / 0) for _ in range(9)]
    behind.close()


@pytest.mark.slow
def test_ctrl_c_of_the_command(tmp_path):
    """The exit code, and the line that says how to go on."""
    source = film(tmp_path / "in.mkv", pictures(400))
    words = [
        "network=interpolation_bicubic",
        "scale=2",
        "+ckpt=null",
        f"input={source}",
        f"output={tmp_path}/out.mkv",
        "device=cpu",
    ]
    root = ROOT

    job = subprocess.Popen([sys.executable, "predict.py", *words, "video.part=2"], cwd=root, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob(".out.mkv.parts/00001.json")):
        assert job.poll() is None
        time.sleep(0.02)
    job.send_signal(2)
    said = job.communicate(timeout=30)[1]
    assert job.returncode == 130 and "frames are kept in" in said and "Traceback" not in said
