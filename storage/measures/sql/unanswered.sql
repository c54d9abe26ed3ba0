-- How often somebody who was addressed did not speak again in the episode.
-- family: participation
-- unit: share of those addressed
-- range: 0 to 1
-- n: addressees of utterances
-- by: participant
SELECT a.episode, a.participant, count(*) - count(a.answered) AS total, count(*) AS n
FROM (
{part addressed}) AS a
GROUP BY a.episode, a.participant
