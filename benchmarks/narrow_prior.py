"""Is φ of `default` limited by how wide its prior is? The same network, tuned for one microscope, against that one's own exact posterior.

    python benchmarks/narrow_prior.py           # twenty minutes of two cores; writes nbs/results/narrow_prior.json, which 08a_strata shows
    python benchmarks/narrow_prior.py --quick   # two steps, to see that everything runs; stores nothing

One microscope: a spot of one width, one read noise, a flat background within a factor of four, photons within a factor of twenty-five. φ begins with
the shipped weights. Each is held against chains under its own prior, so that both are asked what they were trained to say.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from smlm_ddpm.eval import provenance
from smlm_ddpm.models import PosteriorModel, load_pretrained, untrained
from smlm_ddpm.strata import evaluate_strata
from smlm_ddpm.training import TrainingConfig, moment_objective, train

RESULT = Path(__file__).parents[1] / "nbs" / "results" / "narrow_prior.json"
STRATA = ("one molecule, 1,000–5,000 e⁻", "one molecule, 100–500 e⁻", "a pair, 0.5–3 px apart", "a bright pair, 0.5–1.5 px apart", "2–5 emitters",
          "8–14 emitters")  # fmt: skip
ONE_MICROSCOPE = {
    "sigma": (1.1, 1.1), "read_variance": (2.0, 2.0), "read_variance_spread": 0.0, "hot_pixels": 0.0, "dead_pixels": 0.0, "background": (5.0, 20.0),
    "background_slope": 0.0, "background_blobs": 0.0, "photons": (200.0, 5000.0), "emitter_density": (3e-4, 0.05),
}  # fmt: skip
STAGE = TrainingConfig(batch=40, learning_rate=3e-4, warmup=50, ema=0.998, floors=(0.002, 0.002), n_draws=8, thinning=150, balance=0.5, optimizer="muon", seed=40)


def tuned(shipped: PosteriorModel, steps: int, folder: Path) -> PosteriorModel:
    "φ of the shipped model after so many steps on frames of one microscope."
    prior = replace(shipped.preset.prior, **ONE_MICROSCOPE)
    model = untrained(replace(shipped.preset, name="one microscope", prior=prior))
    for part, network in shipped.networks.items():
        model.networks[part].load_state_dict(network.state_dict())
    config = replace(STAGE, steps=steps)
    train(model.phi, moment_objective(prior, config), config, folder)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two steps, two frames; stores nothing")
    quick = parser.parse_args().quick
    shipped, steps, how = load_pretrained("default"), 2 if quick else 1200, {"frames": 2, "steps": 4000} if quick else {"frames": 16}
    with TemporaryDirectory() as folder:
        model = tuned(shipped, steps, Path(folder))
    rows = {}
    for name, asked in (("shipped", shipped), ("tuned", model)):
        table = evaluate_strata(asked, strata=STRATA[:2] if quick else STRATA, n_samples=2, workers=2, **how)
        rows[name] = {stratum: {kind: answers[kind] for kind in ("φ", "second run")} for stratum, answers in table.items()}
        print(name, {stratum: {key: round(value, 3) for key, value in answers["φ"].items()} for stratum, answers in rows[name].items()}, flush=True)
    if not quick:
        stored = {"made_with": provenance(shipped), "frames seen": steps * STAGE.batch, "frames of a stratum": how["frames"], "φ": rows}
        RESULT.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
