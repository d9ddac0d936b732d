"""Stored results say what they were made with, and it is what is shipped."""

import json

import pytest
from project import ROOT
from smlm_ddpm.models import fingerprint, load_pretrained

RESULTS = sorted((ROOT / "nbs" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_results_say_what_they_were_made_with(path):
    made = json.loads(path.read_text(encoding="utf-8"))["made_with"]
    assert {"machine"} <= made.keys() and ("commit" in made or "date" in made)


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_results_are_of_the_shipped_weights(path):
    "Results of other weights are made anew or leave."
    made = json.loads(path.read_text(encoding="utf-8"))["made_with"]
    if "weights" in made:
        assert made["weights"] == fingerprint(load_pretrained(made["model"]), networks=made.get("networks"))
