"""How good the forecasts have been: the champion against baselines on the deployment's own history.

Belongs here: drawing the sample, cutting it into levels and segments, the asset. The backtest itself and the forecasters are in
`allocation_assets.demand`.
"""
