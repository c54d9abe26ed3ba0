-- What share of all utterances (said or whispered) each participant made.
-- family: participation
-- unit: share of utterances
-- range: 0 to 1
-- n: utterances
-- always: participant
SELECT s.episode, s.participant, s.utterances AS total, sum(s.utterances) OVER (PARTITION BY s.episode) AS n
FROM (
{part spoke}) AS s
