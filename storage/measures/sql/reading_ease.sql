-- How easily what was said reads: about 30 and less for scholarly prose, 60 to 70 for plain English, 100 for a child's.
-- Syllables are counted by rule (groups of vowels, a silent final e left out), so a few words in a hundred are off by one.
-- English only.
-- family: language
-- unit: Flesch reading ease
-- range: 121 and less
-- n: words
-- statistic: reading ease
-- reads: reading ease
-- by: participant
-- source: Flesch 1948, A new readability yardstick (Journal of Applied Psychology 32:221-233)
SELECT t.episode, t.actor AS participant, t.text
FROM v_transcript AS t
WHERE {these}(t.episode) AND t.origin = 'participant' AND t.kind IN ('say', 'whisper')
