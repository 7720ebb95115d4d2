import pytest

from sr.backbone.download import with_backbone
from sr.metric.dists import DISTS
from sr.metric.lpips import LPIPS


@pytest.mark.medium
@pytest.mark.parametrize("metric, name", [(LPIPS, "alexnet-owt-7be5be79.pth"), (DISTS, "vgg16-397923af.pth")])
def test_without_file_and_network_one_line_says_what_to_do(metric, name, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing listens there: no network
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(FileNotFoundError) as error:
        metric(crop_border=2)
    message = str(error.value)
    assert message.startswith(f"{metric.__name__} needs {tmp_path / 'hub' / 'checkpoints' / name}, which is missing")
    assert f"https://download.pytorch.org/models/{name}" in message and "TORCH_HOME" in message and "\n" not in message


def test_another_error_is_not_taken_for_a_missing_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "x.pth").write_bytes(b"")
    with pytest.raises(PermissionError):
        with_backbone(lambda: (_ for _ in ()).throw(PermissionError("x.pth")), "LPIPS", "https://example.org/x.pth")
