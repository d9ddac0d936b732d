"""An independent look at the exact posterior: NUTS of numpyro, for a known number of emitters.

    pip install -e '.[benchmarks]'
    python benchmarks/nuts_reference.py    # two minutes; writes nbs/results/nuts_reference.json, which 04b_reversible_jump compares with

Nothing here comes from the package: frames, likelihood, sampler and kernel density are written anew, in numpy and jax.
"""

import json
import platform
from datetime import date
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import erf
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS, init_to_value

RESULT = Path(__file__).parents[1] / "nbs" / "results" / "nuts_reference.json"
SIZE, SIGMA, OFFSET, READ_VARIANCE = 20, 0.92, 100.0, 5.0  # frame and spot [px], camera of gain 1 [ADU], [ADU²]
FACTOR, KERNEL, COARSE = 4, 3.0, 4  # kernel density: pixels per camera pixel, width; every fourth pixel is compared
CASES = {  # places [px], photons and background, and the ranges of the prior: log-uniform and uniform
    "one, all unknown": dict(places=[[9.3, 10.6]], photons=[300.0], background=2.0, ranges=[[100.0, 1000.0], [0.0, 5.0]]),
    "pair, 1.5 px apart": dict(places=[[9.6, 9.4], [11.0, 10.0]], photons=[200.0, 200.0], background=0.0,
                               ranges=[[200.0, 200.0], [0.0, 0.0]]),
    "three, all unknown": dict(places=[[8.0, 9.0], [10.6, 9.6], [9.1, 12.0]], photons=[250.0, 400.0, 300.0], background=1.0,
                               ranges=[[100.0, 1000.0], [0.0, 5.0]]),
}


def profiles(place, size, sigma):
    "Fractions of light in the pixels of one axis."
    edges = erf((jnp.arange(size + 1) - place[..., None]) / (jnp.sqrt(2.0) * sigma))
    return jnp.diff(edges, axis=-1) / 2


def image(places, weights, size, sigma):
    "Gaussian spots, each integrated over the pixels."
    return jnp.einsum("...nk,...nl,...n->...kl", profiles(places[..., 1], size, sigma), profiles(places[..., 0], size, sigma), weights)


def expose(case, random):
    "A frame, in ADU."
    rate = np.asarray(image(jnp.array(case["places"]), jnp.array(case["photons"]), SIZE, SIGMA)) + case["background"]
    return np.round(random.poisson(rate) + OFFSET + np.sqrt(READ_VARIANCE) * random.normal(size=rate.shape), 2)


def model(adu, count, photon_range, background_range):
    "Uniform places, log-uniform photons, uniform background; the Poisson approximation of the camera."
    places = numpyro.sample("places", dist.Uniform(0.0, SIZE).expand([count, 2]).to_event(2))
    photons, background = jnp.full(count, photon_range[0]), background_range[0]
    if photon_range[0] < photon_range[1]:
        photons = numpyro.sample("photons", dist.LogUniform(*photon_range).expand([count]).to_event(1))
    if background_range[0] < background_range[1]:
        background = numpyro.sample("background", dist.Uniform(*background_range))
    counts = jnp.maximum(adu - OFFSET + READ_VARIANCE, 0.0)
    rate = image(places, photons, SIZE, SIGMA) + background + READ_VARIANCE
    value = numpyro.deterministic("value", (counts * jnp.log(rate) - rate).sum())
    numpyro.factor("likelihood", value)


def draw(case, adu, seed, chains=4, length=4000):
    "Draws (chains, length, ...) of everything that is unknown, from around the truth."
    truth = {"places": jnp.array(case["places"]), "photons": jnp.array(case["photons"]), "background": case["background"]}
    sampler = MCMC(NUTS(model, init_strategy=init_to_value(values=truth)), num_warmup=1000, num_samples=length,
                   num_chains=chains, chain_method="sequential", progress_bar=False)
    sampler.run(jax.random.PRNGKey(seed), jnp.array(adu), len(case["places"]), *case["ranges"])
    return sampler.get_samples(group_by_chain=True)


def density(places):
    "The kernel density on the coarse set, for draws (draws, N, 2)."
    peak = float(erf(0.5 / (np.sqrt(2) * KERNEL)) ** 2)
    return image(places * FACTOR, jnp.full(places.shape[:-1], 1 / peak), FACTOR * SIZE, KERNEL)[..., COARSE // 2 :: COARSE, COARSE // 2 :: COARSE]


def summary(case, adu, draws):
    "What is stored of a case."
    places = draws["places"].reshape(-1, *draws["places"].shape[2:])
    coarse = np.concatenate([np.asarray(density(some)) for some in np.array_split(places, 20)])
    value = np.asarray(draws["value"])
    return case | {"adu": adu.tolist(), "mean": coarse.mean(0).round(5).tolist(), "sd": coarse.std(0).round(5).tolist(),
                   "rhat": round(float(split_gelman_rubin(value)), 4), "ess": round(float(effective_sample_size(value)))} | {
        f"posterior {name}": [round(float(draws[name].mean()), 4), round(float(draws[name].std()), 4)]
        for name in ("background",) if name in draws}


def main():
    jax.config.update("jax_enable_x64", True)
    random, results = np.random.default_rng(0), {}
    for seed, (name, case) in enumerate(CASES.items()):
        adu = expose(case, random)
        results[name] = summary(case, adu, draw(case, adu, seed))
        print(name, {key: results[name][key] for key in ("rhat", "ess")}, flush=True)
    made = {"numpyro": numpyro.__version__, "machine": platform.machine(), "date": date.today().isoformat()}
    stored = {"made_with": made, "coarse": COARSE, "sigma": SIGMA, "read_variance": READ_VARIANCE, "cases": results}
    RESULT.write_text(json.dumps(stored) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
