"""Rows about Markov chains: steps a second, and how many independent draws a second they are worth."""

from collections.abc import Callable
from functools import partial

import emcee
import numpy as np
from common import paper_frames, paper_prior
from measure import Row, per_second, seconds
from scipy.special import erf, xlogy
from smlm_ddpm.likelihood import Simulation
from smlm_ddpm.mcmc import convergence, metropolis_hastings
from smlm_ddpm.reversible_jump import ChainPosterior, reversible_jump

OPTIMAL = 2.38**2 * 0.0956**2  # variance of a Metropolis step times the number of coordinates, if emitters are apart [px²]


def log_posterior(theta: np.ndarray, frames: Simulation, index: int) -> np.ndarray:
    "Equation 11 and the disc, in plain numpy for all walkers at once: (walkers, 2N) → (walkers,)."
    prior, noise = paper_prior(), paper_prior().read_variance[0]
    positions, (rows, columns) = theta.reshape(len(theta), -1, 2), prior.shape
    counts = (frames.adu[index, 0].double().numpy() - prior.offset + noise).clip(min=0)

    def spots(position, size):
        return np.diff(erf((np.arange(size + 1) - position[..., None]) / (np.sqrt(2) * prior.sigma[0]))) / 2

    light = spots(positions[..., 1], rows).swapaxes(1, 2) @ spots(positions[..., 0], columns)
    rate = prior.photons[0] * light + noise
    value = (xlogy(counts, rate) - rate).sum((1, 2))
    inside = (((positions - np.array([columns, rows]) / 2) ** 2).sum(-1) <= prior.radius**2).all(-1)
    return np.where(inside, value, -np.inf)


def run_emcee(frames: Simulation, steps: int, index: int = 0) -> emcee.EnsembleSampler:
    "The affine-invariant ensemble, its default stretch move, started around the truth."
    truth = frames.positions[index].double().numpy().flatten()
    walkers, random = max(32, 4 * truth.size), np.random.RandomState(0)
    centre = np.tile(np.array(paper_prior().shape) / 2, truth.size // 2)
    start = centre + 0.97 * (truth - centre) + 0.05 * random.randn(walkers, truth.size)
    sampler = emcee.EnsembleSampler(walkers, truth.size, partial(log_posterior, frames=frames, index=index), vectorize=True)
    sampler.random_state = random.get_state()
    sampler.run_mcmc(start, steps, skip_initial_state_check=True)
    return sampler


def run_metropolis(frames: Simulation, steps: int, chains: int):
    "The paper's sampler with β = 1 and the step that suits a Gaussian posterior, from the truth."
    coordinates = frames.positions[0].numel()
    return metropolis_hastings(
        frames.adu, frames.camera, frames.sigma, paper_prior(), start=frames.positions, steps=steps, burn_in=steps // 5,
        chains=chains, proposal_variance=OPTIMAL / coordinates,
    )


def run_reversible_jump(frames: Simulation, steps: int, emitters: int | None = None):
    "Two chains from draws of the prior, the number of emitters known or not."
    known = {} if emitters is None else {"thinning": 2 * emitters, "keep_draws": True}
    return reversible_jump(frames.adu, frames.camera, frames.sigma, paper_prior(emitters), steps=steps, **known)


def metropolis(quick: bool) -> Row:
    "Steps of single chains on the posterior of one emitter."
    many, chains, steps = (2, 2, 20) if quick else (64, 4, 2000)
    frames, one = paper_frames(many, emitters=1), paper_frames(1, emitters=1)
    others = {"emcee, one frame, 32 walkers, vectorised numpy": per_second(lambda: run_emcee(one, steps), 32 * steps),
              f"the same, one frame of {chains} chains": per_second(lambda: run_metropolis(one, steps, chains), chains * steps)}
    return Row(f"Metropolis steps for one emitter, {many} frames of {chains} chains together", "steps/s",
               per_second(lambda: run_metropolis(frames, steps, chains), many * chains * steps), others,
               higher_is_better=True, most_repeats=3)


def jumps(quick: bool) -> Row:
    "Steps of reversible jump, each of which moves one emitter, against Metropolis steps that move all ten."
    steps, few = (200, 20) if quick else (100_000, 1000)
    frames = paper_frames(1, emitters=10)
    return Row(
        "reversible-jump steps, frame of ten emitters, number unknown", "steps/s",
        per_second(lambda: run_reversible_jump(frames, steps), 2 * steps),
        {"`metropolis_hastings`, 4 chains, number known": per_second(lambda: run_metropolis(frames, few, 4), 4 * few),
         "emcee, 80 walkers, number known": per_second(lambda: run_emcee(frames, few), 80 * few)},
        higher_is_better=True, most_repeats=3,
    )


def least_ess(positions: np.ndarray, log_likelihood: np.ndarray) -> float:
    "Effective draws of (chains, draws, N, 2) and (chains, draws): the least of mean x, mean y and log-likelihood; 0 if stuck."
    followed = [*np.moveaxis(np.asarray(positions).mean(2), -1, 0), np.asarray(log_likelihood)]
    return float(np.nan_to_num(convergence(np.stack(followed)).ess).min())


def effective_per_second(run: Callable, draws: Callable) -> Callable[[], float]:
    "A measurement: run, burn-in included, then count the effective draws of what it left, which is not timed."
    def measurement():
        results = []
        time = seconds(lambda: results.append(run()))
        return least_ess(*draws(results[0])) / time

    return measurement


def effective(emitters: int, quick: bool) -> Row:
    "Independent draws a second of one frame's posterior, the number of emitters known to all."
    jump_steps, steps = (400, 100) if quick else (200_000, 3000)
    frames = paper_frames(1, emitters)
    after_burn_in = {"discard": steps // 5}
    return Row(
        f"effective draws by reversible jump, {emitters} emitter{'s' * (emitters > 1)}", "draws/s",
        effective_per_second(lambda: run_reversible_jump(frames, jump_steps, emitters),
                             lambda run: (run.positions[0], run.log_likelihood[0])),
        {"emcee": effective_per_second(
            lambda: run_emcee(frames, steps),
            lambda run: (run.get_chain(**after_burn_in).swapaxes(0, 1).reshape(run.nwalkers, -1, emitters, 2),
                         run.get_log_prob(**after_burn_in).T)),
         "`metropolis_hastings`, 16 chains": effective_per_second(
            lambda: run_metropolis(frames, steps, 16), lambda run: (run.positions[0], run.log_likelihood[0]))},
        higher_is_better=True, most_repeats=3,
    )


def sd_apart(posterior: ChainPosterior) -> float:
    "Σ|sd₁ − sd₂| / Σ sd of the two chains of the worst frame."
    first, second = posterior.chain_sd.unbind(1)
    return float(((first - second).abs().sum((1, 2)) / posterior.chain_sd.mean(1).sum((1, 2))).max())


def converged(quick: bool) -> Row:
    "Seconds a frame for two chains so long that their maps agree, the number of emitters unknown."
    frames, first, tolerance = (paper_frames(1, 10), 1000, 1.0) if quick else (paper_frames(4, 10), 25_000, 0.03)

    def measurement():
        steps, results = first, []
        while not results or sd_apart(results[-1]) > tolerance:
            time = seconds(lambda: results.append(run_reversible_jump(frames, steps)))
            steps *= 2
        return time / len(frames.adu)

    return Row(f"frame of ten emitters, number unknown, two chains whose sd maps are within {tolerance:.0%}", "s", measurement,
               target=2.0, most_repeats=3)


ROWS = {"metropolis": metropolis, "reversible-jump": jumps, "converged": converged,
        **{f"effective-{emitters}": partial(effective, emitters) for emitters in (1, 5, 10)}}
