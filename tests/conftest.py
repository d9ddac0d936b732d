def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the cells of notebooks marked `#| slow`")
