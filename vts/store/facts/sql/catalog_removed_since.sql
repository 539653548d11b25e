SELECT post_id, player_key FROM catalog_removed WHERE revision > $1 ORDER BY revision
