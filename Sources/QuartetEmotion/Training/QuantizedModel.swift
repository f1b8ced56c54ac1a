import QuartetCore

/// Two trained heads in eight signed bytes a bucket.
struct QuantizedModel: Sendable {
    let weights: [Int8]
    /// What a mean weight of one step is worth, and the biases: parameters as trained, before calibration.
    let parameters: [ModelParameters]

    init(emotions: LinearHead<SIMD8<Float>>, polarity: LinearHead<SIMD2<Float>>, bucketCount: UInt32) {
        let lane = ModelParameters.polarityLane
        func row(_ bucket: Int) -> SIMD8<Float> {
            var row = emotions.weight(bucket)
            row[lane] = polarity.weight(bucket)[0]
            return row
        }
        var largest = SIMD8<Float>(repeating: 1e-9)
        for bucket in 0..<Int(bucketCount) {
            let row = row(bucket)
            largest = pointwiseMax(largest, pointwiseMax(row, -row))
        }
        var weights: [Int8] = []
        weights.reserveCapacity(Int(bucketCount) * ModelParameters.lanes)
        for bucket in 0..<Int(bucketCount) {
            let steps = (row(bucket) / largest * 127).rounded(.toNearestOrEven)
            for lane in 0..<ModelParameters.lanes { weights.append(Int8(steps[lane])) }
        }
        self.weights = weights
        parameters = ModelLanguage.allCases.map { language in
            var parameters = ModelParameters()
            parameters.factors = largest / 127
            parameters.offsets = emotions.bias(language)
            parameters.offsets[lane] = polarity.bias(language)[0]
            parameters.rules = zip(emotions.rules(language), polarity.rules(language)).map { emotions, polarity in
                var weights = emotions
                weights[lane] = polarity[0]
                return weights
            }
            return parameters
        }
    }
}
