from fusion_factor.cli import main

if __name__ == "__main__":
    raise SystemExit(main(stage="ingest"))
