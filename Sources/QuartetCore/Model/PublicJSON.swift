/// The public JSON of results and cards: what is stored, served and streamed is the same text.
extension AnalysisResult {
    package var json: [UInt8] {
        JSONWriter.object(capacity: 4096) { json in
            json.field("request_id", requestID.description)
            json.field("product_id", productID.text)
            json.key("analyzer")
            json.object {
                $0.field("name", analyzer.name)
                $0.field("version", analyzer.version)
            }
            json.field("reviews", cardCount)
            json.field("digest", digest.description)
            json.key("emotions")
            json.object { json in
                for emotion in Emotion.allCases { json.field(emotion.rawValue, emotionCounts[emotion.index]) }
            }
            json.field("polarity", polarity)
            json.key("polarity_counts")
            json.object {
                $0.field("positive", polarityCounts.positive)
                $0.field("neutral", polarityCounts.neutral)
                $0.field("negative", polarityCounts.negative)
            }
            json.key("keywords")
            json.array { json in for keyword in keywords { keyword.write(to: &json) } }
            json.key("aspects")
            json.array { json in for aspect in aspects { aspect.write(to: &json) } }
            json.key("months")
            json.array { json in for month in months { month.write(to: &json) } }
            json.key("likes")
            json.array { json in for opinion in likes { opinion.write(to: &json) } }
            json.key("dislikes")
            json.array { json in for opinion in dislikes { opinion.write(to: &json) } }
            json.key("excerpts")
            json.array { json in for excerpt in excerpts { excerpt.write(to: &json) } }
        }
    }
}

extension AnalysisResult.Keyword {
    fileprivate func write(to json: inout JSONWriter) {
        json.object {
            $0.field("term", term)
            $0.field("count", count)
            $0.field("polarity", polarity)
        }
    }
}

extension AnalysisResult.Opinion {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("term", term)
            json.field("count", count)
            json.field("agreeing", agreeing)
            json.field("polarity", polarity)
            json.key("cards")
            json.array { json in for ordinal in cards { json.value(ordinal) } }
        }
    }
}

extension KeywordDetails.Keyword {
    package func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("term", term)
            json.field("count", count)
            json.field("positive", positive)
            json.field("negative", negative)
            json.field("polarity", polarity)
            json.key("best")
            json.array { json in for ordinal in best { json.value(ordinal) } }
            json.key("worst")
            json.array { json in for ordinal in worst { json.value(ordinal) } }
        }
    }
}

extension AspectSummary {
    package func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("term", term)
            json.field("category", category.rawValue)
            json.field("count", count)
            json.field("positive", positive)
            json.field("negative", negative)
            json.field("polarity", polarity)
            if let praise { praise.write("praise", to: &json) }
            if let complaint { complaint.write("complaint", to: &json) }
        }
    }
}

extension AspectSummary.Voice {
    fileprivate func write(_ key: String, to json: inout JSONWriter) {
        json.key(key)
        json.object { json in
            json.field("text", text)
            json.key("cards")
            json.array { json in for ordinal in cards { json.value(ordinal) } }
        }
    }
}

extension MonthSummary {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("month", month.description)
            json.field("reviews", reviews)
            json.field("polarity", polarity)
            json.key("aspects")
            json.array { json in
                for aspect in aspects {
                    json.object {
                        $0.field("term", aspect.term)
                        $0.field("count", aspect.count)
                        $0.field("positive", aspect.positive)
                        $0.field("negative", aspect.negative)
                    }
                }
            }
        }
    }
}

extension Aspect {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("term", term)
            json.field("category", category.rawValue)
            json.field("opinion", opinion)
            json.field("polarity", polarity)
            json.key("span")
            json.array {
                $0.value(span.lowerBound)
                $0.value(span.upperBound)
            }
            json.field("text", text)
        }
    }
}

extension AnalysisResult.Excerpt {
    fileprivate func write(to json: inout JSONWriter) {
        json.object {
            $0.field("ordinal", ordinal)
            $0.field("review_id", reviewID)
            $0.field("emotion", emotion.rawValue)
            $0.field("polarity", polarity)
            $0.field("text", text)
        }
    }
}

extension EmotionCard {
    package func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("ordinal", ordinal)
            json.field("review_id", reviewID)
            json.field("emotion", reading.emotion.rawValue)
            json.key("scores")
            json.object { json in
                for emotion in Emotion.allCases { json.field(emotion.rawValue, reading.scores[emotion]) }
            }
            json.field("polarity", reading.polarity)
            json.key("keywords")
            json.array { json in for keyword in reading.keywords { json.value(keyword) } }
            json.field("excerpt", reading.excerpt)
            json.key("aspects")
            json.array { json in for aspect in reading.aspects { aspect.write(to: &json) } }
            json.field("month", ifPresent: month?.description)
        }
    }
}

extension Progress {
    package func write(to json: inout JSONWriter) {
        json.object {
            $0.field("done", done)
            $0.field("total", total)
        }
    }
}
