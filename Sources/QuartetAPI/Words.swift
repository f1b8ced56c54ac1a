import QuartetCore

/// The domain's words win over the libraries'.
typealias RequestID = QuartetCore.RequestID
typealias Progress = QuartetCore.Progress
