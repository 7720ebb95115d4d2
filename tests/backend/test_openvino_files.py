"""OpenVINO's files of others: what is refused in one line that names the file."""

import numpy as np
import pytest

from sr.backend.files import opened
from sr.errors import InputError
from tests.backend.test_onnx_files import external


@pytest.fixture(autouse=True)
def openvino():
    """Imported by the tests alone: it takes seconds."""
    return pytest.importorskip("openvino", reason='pip install ".[export]"')


def written(tmp_path, kinds=(None, None)):
    """An image as it is, as OpenVINO's files, whose input and output have these types of elements."""
    import openvino
    from openvino import opset13 as operators

    lr = operators.parameter([-1, 3, -1, -1], np.float32)
    bias = operators.constant([[[[0.0]]]], np.float32)
    steps = openvino.preprocess.PrePostProcessor(openvino.Model([operators.add(lr, bias)], [lr]))
    for side, kind in zip((steps.input(), steps.output()), kinds, strict=True):
        if kind:
            side.tensor().set_element_type(kind)
    openvino.save_model(steps.build(), str(tmp_path / "a.xml"), compress_to_fp16=False)
    return tmp_path / "a.xml"


@pytest.mark.filterwarnings("ignore:.*has no metadata")
def test_whole_numbers_are_refused(tmp_path, openvino):
    """A picture in [0, 1] would become one of zeros."""
    assert opened(written(tmp_path)).scale == 1
    for kinds in ((openvino.Type.u8, None), (None, openvino.Type.u8)):
        with pytest.raises(InputError, match="a.xml: takes or gives u8, expected float32"):
            opened(written(tmp_path, kinds))


def test_a_file_of_another_format_is_not_opened(tmp_path):
    """OpenVINO would read ONNX under this name, with data files outside the folder."""
    (tmp_path / "models").mkdir()
    path = external(tmp_path, "../secret").rename(tmp_path / "a.xml")
    path.with_suffix(".bin").touch()
    with pytest.raises(InputError, match="a.xml: not a file of OpenVINO's, or damaged; nothing was run"):
        opened(path)


def test_a_message_says_what_is_wrong(tmp_path):
    path = written(tmp_path)
    path.with_suffix(".bin").write_bytes(b"")
    with pytest.raises(InputError, match=r"a.xml: OpenVINO cannot read it \((?!Exception|Check)\w+"):
        opened(path)
