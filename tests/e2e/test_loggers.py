"""Loggers from the command line, one or several."""

import csv

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    "choice",
    [
        "logger=[none,csv]",
        "logger=csv",
        "++logger.csv={}",  # a pipeline's way to say it
    ],
)
def test_one_or_several(command, choice):
    done = command("stage=act", "seed=2", choice, "hydra.run.dir=out", "resume=none", act=True)
    assert done.returncode == 0, done.stderr
    with (command.folder / "out" / "csv" / "metrics.csv").open() as file:
        assert [row["score"] for row in csv.DictReader(file)] == ["0.5"]  # seed / 4


def test_an_unknown_one_is_one_line(command):
    for choice in ("logger=wandbb", "logger=[csv,wandbb]"):
        done = command("stage=act", choice, act=True)
        assert done.returncode == 2
        assert done.stderr == (
            "error: unknown logger 'wandbb'; did you mean 'wandb'? Known: csv, mlflow, none, tensorboard, "
            "trackio, wandb\n"
        )


def test_an_unknown_option_of_one_is_one_line(command):
    done = command("stage=act", "logger=wandb", "logger.wandb.projet=x", act=True)
    assert done.returncode == 2
    assert "unknown key 'logger.wandb.projet'; did you mean 'logger.wandb.project'?" in done.stderr
