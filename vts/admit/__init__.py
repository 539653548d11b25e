"""Which events count: the gate and the site's rules (pure), and the journal behind them."""
