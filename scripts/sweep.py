from fusion_factor.cli import main

raise SystemExit(main(stage="sweep"))
