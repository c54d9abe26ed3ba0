-- Who whispered what to whom, who got it, and who only saw that there was whispering.
SELECT
  v.episode AS episode, -- the episode's id
  v.turn AS turn, -- the turn
  v.actor AS whisperer, -- who whispered
  v.addressees AS addressees, -- to whom, as a JSON list
  v.witnesses AS witnesses, -- who got its content
  v.onlookers AS onlookers, -- who only saw that it happened; NULL for nobody
  v.text AS text -- what was whispered
FROM v_transcript AS v
WHERE v.kind = 'whisper' AND {these}(v.episode)
ORDER BY v.episode, v.turn, v.ordinal
