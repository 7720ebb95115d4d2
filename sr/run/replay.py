"""Runs the segments of a resumed run again, except the last: each in a process that stops where the next one began."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sr.cli.named import config_dirs, targets_of, value_of, values_of
from sr.cli.words import key_of, quoted
from sr.errors import InputError
from sr.run import history, resume
from sr.run import record as run
from sr.weights import checkpoint, trust

# Keys that do not change the numbers: where a run and its data are, how it is logged, and what it resumed from.
ELSEWHERE = ("output_dir", "reproduce", "resume", "sweep_resume", "logger", "profile", "trust", "data_dir")
ELSEWHERE += ("data.cache_dir", "data.download", "data.n_workers")

VARIABLE = "SR_UNTIL_STEP"  # not a config key: the next segment must find the config unchanged


def until() -> int | None:
    """The step at which a replayed segment stops, from the environment; None: run to the end."""
    return int(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def check_words(segments: Sequence[history.Segment], folder: str, flags: list[str], said: list[str]) -> None:
    """Refuse recorded commands that would run code which this command line does not name.

    Args:
        segments: from run.json in `folder`, which is untrusted input.
        flags, said: flags and overrides that were typed with `reproduce=`.

    Raises:
        InputError: one line.
    """
    typed = targets_of(said) | trust.in_folders(config_dirs(flags)) | values_of("trust", said)
    for segment in segments:
        lacking = [str(path) for path in segment.get("config_dir") or [] if str(path) not in config_dirs(flags)]
        if lacking and not config_dirs(flags):
            raise InputError(f"{folder}: the run used --config-dir {lacking[0]}; pass it (or its new location) again")
        words = [word for word in segment["command"] if isinstance(word, str)]
        if foreign := next((word for word in words if key_of(word).startswith("hydra") or word.startswith("-")), None):
            raise InputError(f"{folder}/run.json: invalid override {foreign} in its command; nothing was run")
        for target in sorted(targets_of(words)):
            trust.check({"_target_": target}, f"{folder}/run.json", typed)
    if len(segments) > 1 and (other := next((word for word in said if key_of(word) not in ELSEWHERE), None)):
        raise InputError(f"reproduce={folder} cannot change {other}, because that run was resumed; use resume=...")


def replay(segments: Sequence[history.Segment], folder: str, flags: list[str], said: list[str]) -> Path:
    """Run all segments except the last; returns the checkpoint from which the last one resumes.

    A segment that ran in the folder of the last one runs in `output_dir`, others in `output_dir`/segments.

    Raises:
        InputError: a segment failed, or several processes were started by torchrun or srun.
    """
    if "LOCAL_RANK" in os.environ or os.environ.get("SLURM_NTASKS", "1") != "1":
        raise InputError(f"reproduce={folder}: the run was resumed; reproduce it without torchrun or srun")
    output, last = Path(value_of("output_dir", said) or "."), None
    for number, segment in enumerate(segments[:-1]):
        stop = segment["to"]
        if segment.get("commit") != run.commit():
            print(f"reproduce: part {number + 1} ran at commit {segment.get('commit')}")
        place = output if segment["folder"] == segments[-1]["folder"] else output / "segments" / str(number)
        print(f"reproduce: part {number + 1} of {len(segments)}, steps {segment['from']} to {stop}", flush=True)
        kept = [word for word in said if key_of(word) not in ("reproduce", "output_dir")]
        words = [*flags, *history.changes(segment), *kept, f"output_dir={quoted(str(place))}", "hydra.mode=RUN"]
        if last is not None:
            words = resume.command_line([*words, f"resume={quoted(str(last))}"])
        variables = {VARIABLE: str(stop)} | ({"OMP_NUM_THREADS": str(segment["threads"])} if segment.get("threads") else {})
        done = subprocess.run([sys.executable, sys.argv[0], *words], env=os.environ | variables)
        last = place / "checkpoints" / "last.ckpt"
        reached = checkpoint.about(last).get("global_step") if last.is_file() else None
        if done.returncode or reached != stop:
            raise InputError(f"reproduce={folder}: part {number + 1} did not reach step {stop} (exit code {done.returncode})")
    return last
