"""Loads the other files of this folder in the session. Sent as it is, before a call of it."""


def load_dbt_glue(name, sources, spark):
    """Makes a package `name` of {module: source}, in order, once; returns its dispatcher."""
    import linecache
    import sys
    import types

    if name not in sys.modules:
        package = types.ModuleType(name)
        package.__path__ = []
        loaded = {name: package}
        sys.modules[name] = package
        try:
            for part, text in sources.items():
                full = name + "." + part
                module = loaded[full] = sys.modules[full] = types.ModuleType(full)
                module.__package__ = name
                linecache.cache[full] = (len(text), None, text.splitlines(True), full)
                exec(compile(text, full, "exec"), module.__dict__)
        except BaseException:
            for full in loaded:
                del sys.modules[full]
            raise
    dispatcher = sys.modules[name + ".dispatcher"]
    dispatcher.start(spark)
    return dispatcher
