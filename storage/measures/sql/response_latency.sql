-- How many turns it takes somebody who was addressed to speak again, from the turn in which it was addressed: 1 is at
-- once. Over those who did; how many never do is `unanswered`.
-- family: participation
-- unit: turns
-- range: 1 and more
-- n: answers, one for each addressee
-- by: participant
SELECT a.episode, a.participant, sum(a.answered - a.turn) AS total, count(*) AS n
FROM (
{part addressed}) AS a
WHERE a.answered IS NOT NULL
GROUP BY a.episode, a.participant
