"""A question for each view, to begin with: what it answers, and the SQL. The documentation and the prompt show them."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, str]] = {
    "v_answers": (
        "who failed an attention check",
        "SELECT episode, participant, item FROM v_answers WHERE correct = 0 ORDER BY episode, participant, item",
    ),
    "v_belief_accuracy": (
        "how right first-order beliefs were, by turn, where all trust rules agree",
        "SELECT turn, estimator, avg(gold_brier) AS brier, count(*) AS n FROM v_belief_accuracy "
        "WHERE chain_order = 1 AND robust = 1 AND source = 'turn' GROUP BY turn, estimator ORDER BY turn, estimator",
    ),
    "v_beliefs": (
        "what changed most in anybody's mind: the likeliest values as they were written",
        "SELECT turn, holder, chain, variable, value, probability FROM v_beliefs "
        "WHERE declared = 1 AND probability > 0.5 ORDER BY turn, chain, variable, value",
    ),
    "v_beliefs_held": (
        "where somebody takes another to believe something else than they do themselves",
        "SELECT turn, holder, other, variable, value, gap FROM v_beliefs_held "
        "WHERE gap > 0.5 ORDER BY turn, holder, other, variable, value",
    ),
    "v_calls": (
        "which replies were not valid",
        "SELECT turn, participant, purpose, model, status, error FROM v_calls "
        "WHERE status NOT IN ('ok', 'repaired') ORDER BY turn, participant, purpose, ordinal, attempt",
    ),
    "v_costs": (
        "what each model cost",
        "SELECT model, sum(calls) AS calls, sum(output_tokens) AS tokens, sum(cost_usd) AS usd FROM v_costs "
        "GROUP BY model ORDER BY model",
    ),
    "v_floor": (
        "who wanted to speak and was not let",
        "SELECT turn, participant, motivation, reason FROM v_floor "
        "WHERE wants = 1 AND won = 0 ORDER BY turn, participant",
    ),
    "v_honesty": (
        "what was said against better belief",
        "SELECT turn, speaker, variable, value, believed FROM v_honesty "
        "WHERE category = 'deceptive' ORDER BY turn, event, ordinal",
    ),
    "v_mutual": (
        "how often models of others hit gold where it is not one's own",
        "SELECT holder, other, avg(gold_hit) AS hit, count(*) AS n FROM v_mutual "
        "WHERE differs = 1 AND robust = 1 GROUP BY holder, other ORDER BY holder, other",
    ),
    "v_mutual_cycles": (
        "what came of telling somebody what one takes them to think",
        "SELECT discloser, believer, kind, count(*) AS n FROM v_mutual_cycles "
        "GROUP BY discloser, believer, kind ORDER BY discloser, believer, kind",
    ),
    "v_outcomes": (
        "how episodes went, by scenario",
        "SELECT scenario, status, count(*) AS n, avg(reward) AS reward, avg(utterances) AS utterances FROM v_outcomes "
        "GROUP BY scenario, status ORDER BY scenario, status",
    ),
    "v_probes": (
        "what copied minds answered",
        "SELECT turn, participant, question, answer FROM v_probes ORDER BY turn, ordinal",
    ),
    "v_prompts": (
        "how long prompts became",
        "SELECT turn, participant, length(messages) AS characters FROM v_prompts "
        "WHERE messages IS NOT NULL ORDER BY turn, participant, call",
    ),
    "v_thoughts": (
        "what was thought and never said, the most motivated first",
        "SELECT holder, turn, peak_motivation, text FROM v_thoughts "
        "WHERE spoken_turn IS NULL ORDER BY peak_motivation DESC, holder, turn, thought",
    ),
    "v_transcript": (
        "what was whispered, and who saw it",
        "SELECT turn, actor, text, witnesses, onlookers FROM v_transcript "
        "WHERE kind = 'whisper' ORDER BY turn, ordinal",
    ),
}
