"""OpenTelemetry: a run as spans, while it happens (`live`) or from its trace (`otlp`); both through `spans`."""
