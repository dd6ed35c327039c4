"""How long the trainings of a cross validation are: options for segmenter.py and classifier.py."""

SCHEDULES = {
    # What a GPU is for.
    "full": {
        "smears": 3000,
        "first_smear": 100000,
        "segmenter_smears": ["--epochs", "12", "--batch", "16"],
        "segmenter": ["--epochs", "80", "--batch", "16"],
        "classifier_smears": ["--epochs", "20"],
        "classifier": ["--epochs", "60"],
        "teacher_across": ["--draws", "1024", "--epochs", "200"],
        "classifier_across": ["--draws", "1024", "--epochs", "300"],
    },
    # What two shared cores can do in an evening.
    "small": {
        "smears": 1600,
        "first_smear": 100000,
        "segmenter_smears": ["--limit", "800", "--epochs", "4", "--size", "192x192"],
        "segmenter": ["--epochs", "5", "--size", "192x224", "--learning-rate", "5e-4"],
        "classifier_smears": ["--epochs", "4"],
        "classifier": ["--epochs", "16", "--learning-rate", "3e-4"],
        "teacher_across": ["--draws", "256", "--epochs", "160"],
        "classifier_across": ["--draws", "256", "--epochs", "240"],
    },
}
