"""test.py published=...: what papers and releases promise, measured and compared."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from sr.published import _each_scale, _row, reproduce
from tests.jobs import compose

CONF = Path(__file__).resolve().parent.parent / "conf"
NAMES = sorted(path.stem for path in (CONF / "published").glob("*.yaml") if path.stem != "all")


def evaluate(*words):
    from sr.cli.test import test

    test(compose("test", "trainer.accelerator=cpu", *words))


@pytest.mark.medium
def test_the_table_of_fsrcnn(sr_data, tmp_path, capsys):
    evaluate("published=[fsrcnn_x2,imdn_x3]", f"data_dir={sr_data}", f"output_dir={tmp_path}")
    printed = capsys.readouterr().out
    assert "| fsrcnn_x2 | set5      | 37.134        | 37.12          | +0.014          |" in printed and "| * |" in printed
    assert "1 rows, 0 marked" in printed
    assert "* not measured with the protocol of the publication:\n  fsrcnn_x2: LR images by Pillow" in printed
    assert f"imdn_x3: missing {sr_data}/weights/IMDN_x3.pth; download it from https://github.com/Zheng222/IMDN" in printed
    scores = json.loads((tmp_path / "metrics.json").read_text())
    assert set(scores) == {"fsrcnn_x2"} and len(scores["fsrcnn_x2"]["set5"]["images"]) == 5


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_tables(sr_data, tmp_path, capsys):
    """No mark; a star for FSRCNN's files, whose README has another protocol, and CARN-M's, which is of a later training."""
    evaluate("published=all", f"data_dir={sr_data}", f"output_dir={tmp_path}")
    printed = capsys.readouterr().out
    assert "| ! |" not in printed and " 0 marked" in printed
    assert {line.split()[1] for line in printed.splitlines() if line.endswith("| * |")} == {
        f"{name}_x{s}" for name in ("fsrcnn", "carn_m") for s in (2, 3, 4)
    }
    for row in ("imdn_x2    | b100", "imdn_x4    | set14", "bicubic_x3 | set5"):
        assert row in printed


def test_incomplete_sets_are_skipped(sr_data):
    cfg = compose("test", "published=bicubic_x4", f"data_dir={sr_data}")
    jobs = []

    def score(job):
        jobs.append(job)
        return {name: {"psnr": 30.0, "ssim": 0.8} for name in job.benchmark}

    results, text = reproduce(cfg, score)
    assert set(results["bicubic_x4"]) == {"set5", "set14", "b100"}
    assert "bicubic_x4 on urban100: 20 of 100 images" in text
    assert (jobs[0].scale, jobs[0].ckpt, set(jobs[0].metric)) == (4, None, {"psnr", "ssim"})


def test_one_of_the_sets(sr_data):
    cfg = compose("test", "published=[bicubic_x4,rgt_x4]", "benchmark=[set5]", f"data_dir={sr_data}")
    results, text = reproduce(cfg, lambda job: {name: {"psnr": 30.0, "ssim": 0.8} for name in job.benchmark})
    assert {name: list(sets) for name, sets in results.items()} == {"bicubic_x4": ["set5"]} and "\n1 rows" in text
    assert "rgt_x4: missing " in text


def test_a_part_of_a_set_is_starred(sr_data, tmp_path, capsys):
    words = ["published=bicubic_x4", "benchmark=[set5]", "trainer.limit_test_batches=1"]
    evaluate(*words, f"data_dir={sr_data}", f"output_dir={tmp_path}")
    printed = capsys.readouterr().out
    assert "1 rows, 0 marked" in printed and "| * |" in printed
    assert "bicubic_x4: trainer.limit_test_batches=1 measures only a part of each set" in printed


def test_a_network_of_any_scale_has_a_row_for_each(sr_data, tmp_path):
    """LIIF's table 2, one file for all scales; where a score was not published, its set is left out."""
    bicubic = ("weights=null", "network=interpolation_bicubic")  # in place of files that are not here
    words = [f"published.{name}_rdn.{word}" for name in ("liif", "lte") for word in bicubic]
    cfg, jobs = compose("test", "published=[liif_rdn,lte_rdn]", "benchmark=[set5,set14]", *words, f"data_dir={sr_data}"), []

    def score(job):
        jobs.append((job.scale, *job.benchmark, job.benchmark.set5.scale))
        return {name: {"psnr": 29.15} for name in job.benchmark}

    results, text = reproduce(cfg, score)
    assert jobs[:5] == [(scale, "set5", "set14", scale) for scale in (2, 3, 4, 6, 8)] and len(results) == 10
    assert "| liif_rdn x6 | set5      | 29.150        | 29.15          | +0.000" in text
    lte = dict(_each_scale("lte_rdn", OmegaConf.load(CONF / "published" / "lte_rdn.yaml").lte_rdn))
    assert list(lte["lte_rdn x8"].expected) == ["set5", "set14", "b100"] and lte["lte_rdn x6"].expected.urban100.psnr == 24.28
    with pytest.raises(FileNotFoundError, match="^[^;]*: liif_rdn: missing [^;]*rdn-liif.pth; download it from [^;]*$"):
        reproduce(compose("test", "published=[liif_rdn]", f"data_dir={tmp_path}"), score)


@pytest.mark.parametrize("word", ["ckpt=a.pth", "network=imdn", "scale=3", "alpha=0.5"])
def test_other_weights_beside_it_are_refused(word, tmp_path):
    with pytest.raises(ValueError, match=f"^{word.split('=')[0]}=... cannot be combined with published"):
        evaluate("published=bicubic_x4", word, f"data_dir={tmp_path}", f"output_dir={tmp_path}/out")


def test_nothing_there(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"nothing to measure: .*Set5 not found.*IMDN_x2.pth; download it from https://github"
    ) as found:
        evaluate("published=all", f"data_dir={tmp_path}", f"output_dir={tmp_path}/out")
    assert "zssr_x2: takes ten minutes an image on 2 CPU cores; pass published=zssr_x2" in str(found.value)


@pytest.mark.parametrize(
    ("psnr", "ssim", "mark"), [(30.019, 0.8, ""), (29.979, 0.8, "!"), (30.0, 0.8006, "!"), (30.0, 0.7996, "")]
)
def test_marks(psnr, ssim, mark):
    expected = OmegaConf.create({"psnr": 30.0, "ssim": 0.8})
    assert _row("a", "set5", {"psnr": psnr, "ssim": ssim}, expected)[-1] == mark


@pytest.mark.parametrize("name", NAMES)
def test_entries_are_whole(name):
    entry = OmegaConf.load(CONF / "published" / f"{name}.yaml")
    assert list(entry) == [name] and (CONF / "published" / f"{name}.yaml").read_text().startswith("# ")
    entry = entry[name]
    assert set(entry) - {"protocol", "hours"} == {"scale", "weights", "url", "network", "expected"}
    raw = OmegaConf.to_container(entry)
    assert isinstance(raw["weights"], str | list | None)
    assert (raw["weights"] is None) == (raw["url"] is None) and (raw["weights"] or raw["network"])
    assert all((CONF / "benchmark" / f"{benchmark}.yaml").is_file() for benchmark in entry.expected)
    rows = [one.expected.values() for _, one in _each_scale(name, entry)]
    assert len(rows) == (len(raw["scale"]) if isinstance(raw["scale"], list) else 1)
    for value in (one for row in rows for one in row):
        plain = {key.removesuffix("_rgb").removesuffix("_div2k"): score for key, score in value.items()}
        assert 20 < plain["psnr"] < 45 and 0.5 < plain.get("ssim", 0.9) < 1
