"""The image wing: image files to transforms, batches, `ImageClassifier` and scores."""
