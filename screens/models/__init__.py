"""View models: what QML may know, in words already resolved. Main thread only; they outlive the engine."""
