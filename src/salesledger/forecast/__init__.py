"""Forecasts of bookings: models that are fed week by week, replayed over the past and scored."""
