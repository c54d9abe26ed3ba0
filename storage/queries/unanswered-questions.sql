-- Questions to somebody that none of those asked reacted to: no word of theirs within the next turns. What ends in a
-- question mark counts as a question.
-- :within = 3 -- how many turns there are to answer
SELECT
  q.episode AS episode, -- the episode's id
  q.turn AS turn, -- the turn in which it was asked
  q.actor AS asker, -- who asked
  q.asked AS asked, -- who was asked, one row for each
  q.text AS text, -- what was asked
  q.left_turns AS turns_left -- how many turns there were to answer before the episode's end, at most `within`
FROM (
  SELECT
    e.episode, e.turn, e.ordinal, e.actor, a.value AS asked, e.text,
    (
      SELECT count(*) FROM turn AS t
      WHERE t.episode = e.episode AND t.turn > e.turn AND t.turn <= e.turn + :within AND NOT t.closing
    ) AS left_turns
  FROM event AS e
  CROSS JOIN {each}(e.addressees, a)
  WHERE e.kind IN ('say', 'whisper') AND e.text LIKE '%?' AND {these}(e.episode)
) AS q
WHERE NOT EXISTS (
  SELECT 1 FROM event AS r
  WHERE r.episode = q.episode AND r.actor = q.asked AND r.origin = 'participant'
    AND r.turn >= q.turn AND r.turn <= q.turn + :within AND (r.turn > q.turn OR r.ordinal > q.ordinal)
)
ORDER BY q.episode, q.turn, q.ordinal, q.asked
