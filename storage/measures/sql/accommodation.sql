-- Whether speakers fall in with each other's way of speaking, in words nobody chooses on purpose: how much more often a
-- reply has a class of function words when what it replies to has it, than replies have it at all; the mean over eight
-- classes. A reply is the next utterance, by somebody else who got the content of the one before. The papers sum up by
-- speaker and target, with the LIWC lists; here all exchanges of a condition are taken together (`--by participant`: by who
-- replies), with short lists of our own in storage/measures/words.py. English only; sentences made by rules say little.
-- family: language
-- unit: difference of probabilities
-- range: -1 to 1; 0 for none
-- n: exchanges
-- statistic: coordination
-- reads: accommodation
-- by: participant, marker
-- source: Danescu-Niculescu-Mizil et al. 2012, Echoes of power (WWW 2012, arXiv 1112.3670), the definition of
--   coordination in section 3
SELECT x.episode, x.replier AS participant, x.text AS first, x.reply
FROM (
  SELECT t.*, lead(t.actor) OVER later AS replier, lead(t.text) OVER later AS reply
  FROM (
    SELECT t.episode, t.turn, t.ordinal, t.actor, t.text
    FROM v_transcript AS t
    WHERE {these}(t.episode) AND t.origin = 'participant' AND t.kind IN ('say', 'whisper')
  ) AS t
  WINDOW later AS (PARTITION BY t.episode ORDER BY t.turn, t.ordinal)
) AS x
JOIN witness AS w
  ON w.episode = x.episode AND w.turn = x.turn AND w.event = x.ordinal AND w.participant = x.replier
  AND w.level = 'content'
WHERE x.replier <> x.actor
