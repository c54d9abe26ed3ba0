-- How the episode went.
SELECT scenario, world, seed, batch, cell, replicate, status, reason, reward, turns, utterances, calls, attempts,
  fallbacks, fallback_rate, cost_usd, unknown_prices, started, ended, parent_episode, parent_turn
FROM v_outcomes
WHERE episode = :episode
