-- Results stay in their rows, compressed to some two kilobytes as they mostly are. Out of line each took two more rows and two
-- more index entries, two fifths of what storing it cost.
ALTER TABLE {analysis_results} SET (toast_tuple_target = 8160);
