"""Which metrics stand together on which figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """One figure to make if its metrics are there.

    Attributes:
        slug: See `Figure`.
        title: See `Figure`.
        caption: See `Figure`.
        metrics: Pairs of a metric's name and its label. A `*` in the name stands for any text, and `{}` in
            the label is that text.
        percent: See `Figure`.
        limits: See `Figure`.
        smooth: See `Series`.
    """

    slug: str
    title: str
    caption: str
    metrics: tuple[tuple[str, str], ...]
    percent: bool = False
    limits: tuple[float, float] | None = None
    smooth: bool = True


_UNIT = (0.0, 1.0)

SECTIONS: tuple[tuple[str, tuple[Plan, ...]], ...] = (
    (
        "Learning",
        (
            Plan(
                "accuracy",
                "Held-out accuracy",
                "Problems that training never sees, and others than those of before and after. "
                "Measured before training (iteration 0), every stage.eval_every iterations, and at the end.",
                (
                    ("eval/pass@1_greedy", "pass@1, greedy"),
                    ("eval/pass@1", "pass@1, sampled"),
                    ("eval/*/pass@1", "{} pass@1"),
                    ("eval/cons@*", "cons@{}"),
                ),
                percent=True,
                limits=_UNIT,
                smooth=False,
            ),
            Plan(
                "judgments",
                "Chosen over rejected, safe from unsafe",
                "Share of judgments that the reward model gets right, and what simpler rules would.",
                (
                    ("accuracy", "training"),
                    ("eval/accuracy", "held-out"),
                    ("eval/longer_accuracy", "held-out, by taking the longer answer"),
                    ("eval/majority_accuracy", "held-out, by the commoner label"),
                ),
                percent=True,
                limits=_UNIT,
            ),
            Plan(
                "calibration",
                "Calibration",
                "Expected calibration error and Brier score on held-out rows; 0 is best for both.",
                (("eval/ece", "calibration error"), ("eval/brier", "Brier score")),
                smooth=False,
            ),
            Plan(
                "reward",
                "Reward",
                "Mean over the iteration's completions: the weighted sum, and each reward before its weight.",
                (("reward", "reward (weighted sum)"), ("rewards/*/mean", "{}")),
            ),
            Plan(
                "length",
                "Completion length (tokens)",
                "Mean number of tokens that a completion takes, thoughts and answer together.",
                (
                    ("completions/mean_length", "training"),
                    ("eval/mean_length", "held-out"),
                    ("completions/mean_terminated_length", "training, ended by itself"),
                ),
            ),
            Plan(
                "reflection",
                "Reflective words (per completion)",
                "Words that stop to check or correct: “wait”, “but”, “verify” and the like.",
                (("reflection/rate", "training"), ("eval/reflection*", "held-out")),
            ),
            Plan(
                "language",
                "Language consistency",
                "Share of the thoughts that is in the language asked for.",
                (("language/consistency", "training"), ("eval/language/consistency", "held-out")),
                percent=True,
                limits=_UNIT,
            ),
        ),
    ),
    (
        "Training",
        (
            Plan(
                "entropy",
                "Entropy (nats per token)",
                "How undecided the policy is. A fall to 0 ends exploration.",
                (("entropy", "training"), ("eval/entropy", "held-out")),
            ),
            Plan(
                "kl",
                "KL divergence from the reference (nats per token)",
                "How far the policy has moved; it falls to 0 where the reference is reset.",
                (("kl", "KL"),),
            ),
            Plan(
                "clip",
                "Clipped tokens",
                "Share of tokens whose probability ratio was clipped. Strictly on-policy updates clip none.",
                (
                    ("clip_ratio/region_mean", "either side"),
                    ("clip_ratio/low_mean", "low side"),
                    ("clip_ratio/high_mean", "high side"),
                ),
                percent=True,
            ),
            Plan("loss", "Loss", "Mean over updates.", (("loss", "training"), ("eval/loss", "held-out"))),
            Plan(
                "policy-loss",
                "Policy loss",
                "The loss without its KL term. Its size says little, as advantages average to 0.",
                (("policy_loss", "policy loss"),),
            ),
            Plan(
                "ratio",
                "Probability ratios",
                "Of the policy to the one that generated, mean over tokens; 1 where updates are on-policy.",
                (("ratio", "policy"), ("sampling/importance_sampling_ratio/mean", "engine correction")),
            ),
            Plan(
                "grad", "Gradient norm", "Before clipping, mean over the updates.", (("grad_norm", "norm"),)
            ),
            Plan(
                "lr",
                "Learning rate",
                "At the iteration's end.",
                (("learning_rate", "learning rate"),),
                smooth=False,
            ),
        ),
    ),
    (
        "Groups and rewards",
        (
            Plan(
                "groups",
                "Groups that teach little",
                "A group whose completions all have the same reward gives no advantage and so no gradient.",
                (
                    ("frac_reward_zero_std", "all of one reward"),
                    ("groups/frac_all_correct", "all correct"),
                    ("groups/frac_all_wrong", "all wrong"),
                ),
                percent=True,
                limits=_UNIT,
            ),
            Plan(
                "sources",
                "Reward by source",
                "Mean of the weighted sum over the completions to each source's problems.",
                (("sources/*/reward", "{}"),),
            ),
            Plan(
                "source-accuracy",
                "Accuracy by source",
                "Of the sources whose problems rules can judge.",
                (("sources/*/accuracy", "{}"),),
                percent=True,
                limits=_UNIT,
            ),
            Plan(
                "source-length",
                "Completion length by source (tokens)",
                "Mean over the completions to each source's problems.",
                (("sources/*/mean_length", "{}"),),
            ),
            Plan(
                "source-groups",
                "Problems by source",
                "Problems of each source in the iteration.",
                (("sources/*/groups", "{}"),),
            ),
            Plan(
                "phase",
                "Preference phase and hacking alarm",
                "1 where problems for reward models are drawn, and 1 where the alarm rings.",
                (("phase/preference", "preference problems"), ("alarm/reward_hacking", "alarm")),
                smooth=False,
            ),
            Plan(
                "truncated",
                "Truncated completions",
                "Share that met the token cap before an end token.",
                (("completions/clipped_ratio", "training"), ("eval/truncated", "held-out")),
                percent=True,
            ),
            Plan(
                "format",
                "Well-formed completions",
                "Share that keeps the template's format.",
                (("completions/well_formed", "training"), ("eval/well_formed", "held-out")),
                percent=True,
                limits=_UNIT,
            ),
            Plan(
                "range",
                "Shortest and longest completion (tokens)",
                "Of the iteration; the cap is the most tokens that a completion may take.",
                (
                    ("completions/max_length", "longest"),
                    ("completions/min_length", "shortest"),
                    ("completions/max_terminated_length", "longest that ended by itself"),
                    ("completions/min_terminated_length", "shortest that ended by itself"),
                    ("completions/max_tokens", "cap"),
                ),
            ),
            Plan(
                "spread",
                "Spread of rewards",
                "Standard deviation of the reward, and of each reward before its weight.",
                (("reward_std", "reward (weighted sum)"), ("rewards/*/std", "{}")),
            ),
            Plan(
                "outcomes",
                "Rewards that gave no score",
                "Share of completions on which a reward abstained or failed; neither counts as a score of 0.",
                (
                    ("rewards/*/abstain_rate", "{} abstained"),
                    ("rewards/*/error_rate", "{} failed"),
                    ("groups/dropped_samples", "dropped from their groups"),
                ),
                percent=True,
            ),
            Plan(
                "sampling",
                "Engine against trainer (nats per token)",
                "Difference of the log-probabilities by the rollout engine and by the trainer.",
                (
                    ("sampling/sampling_logp_difference/mean", "mean difference"),
                    ("sampling/sampling_logp_difference/max", "largest difference"),
                    ("old_kl", "KL"),
                ),
            ),
        ),
    ),
    (
        "Cost",
        (
            Plan(
                "elapsed",
                "Training time so far (seconds)",
                "Iterations and evaluations, summed.",
                (("time/total", "training"),),
                smooth=False,
            ),
            Plan(
                "time",
                "Time (seconds per iteration)",
                "The whole iteration, and its parts where they were measured.",
                (("step_time", "iteration"), ("time/*", "{}")),
            ),
            Plan(
                "throughput",
                "Throughput (tokens per second)",
                "Tokens generated and learnt from, by the wall clock.",
                (("perf/*tokens_per_second", "{}tokens/s"),),
            ),
            Plan("memory", "Memory of the host (GB)", "Resident set size.", (("host/rss_gb", "resident"),)),
            Plan(
                "flops",
                "Floating-point operations so far",
                "Of the model that is trained, what it writes included; a teacher's are not counted.",
                (("flops", "operations"),),
                smooth=False,
            ),
            Plan(
                "tokens",
                "Tokens so far",
                "Prompts and completions, summed.",
                (("num_tokens", "tokens"),),
                smooth=False,
            ),
        ),
    ),
)
