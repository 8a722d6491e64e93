#if Cluster
import Cluster
import NATS
import Wire

/// The requests that wait for answers of partitions' owners. A question is repeated until it is answered, as its
/// partition may be moving to another owner.
struct PartitionQuestions {
    /// The time for which a request waits for its partitions. A take-over takes less.
    static let patience: Int64 = 5_000_000_000
    /// The time after which a question is repeated. It changes nothing, so asking twice does no harm.
    private static let repetition: Int64 = 250_000_000

    /// A question that is not answered yet.
    private struct Asked {
        /// A number that no other question has, so that the late answer to an earlier question is recognized.
        let number: Int
        let bytes: [UInt8]
        var repeatAt: Int64
    }

    private struct Request {
        let address: ControlServer.ReturnAddress
        var answer: any GatheredAnswer
        /// The unanswered questions by partition.
        var asked: [Int: Asked] = [:]
        let deadline: Int64
        /// The tokens of all questions.
        var tokens: [UInt64] = []
    }

    /// The end of a request.
    struct Ended {
        let address: ControlServer.ReturnAddress
        let outcome: Outcome

        enum Outcome {
            case answered(GatheredEnd)
            case refused(ControlError)
            /// These partitions have not answered in time.
            case silent([Int])
        }

        /// The answer. A silent partition is named with its owner.
        func end(_ overview: ClusterOverview) throws(ControlError) -> GatheredEnd {
            switch outcome {
            case .answered(let end): return end
            case .refused(let error): throw error
            case .silent(let partitions):
                throw ControlError(.partitionSilent, Self.explanation(of: partitions, overview))
            }
        }

        private static func explanation(of partitions: [Int], _ overview: ClusterOverview) -> String {
            let owners = overview.owners
            let ownerless = partitions.filter { owners[$0] == nil }
            guard ownerless.isEmpty else {
                return "no node serves \(PartitionChanges.list(ownerless)); 'sluice cluster' shows the nodes"
            }
            let names = Set(partitions.flatMap { owners[$0] ?? [] }).sorted().joined(separator: ", ")
            return "\(PartitionChanges.list(partitions)) did not answer within "
                + "\(PartitionQuestions.patience / 1_000_000_000) s; the owner is \(names). Try again"
        }
    }

    private let inbox: Inbox
    private var requests: [Int: Request] = [:]
    /// The request, the partition and the number of the question of each token.
    private var places: [UInt64: (request: Int, partition: Int, question: Int)] = [:]
    private var lastNumber = 0
    private var ended: [Ended] = []

    init(_ inbox: Inbox) { self.inbox = inbox }

    /// Whether requests wait.
    var isWaiting: Bool { !requests.isEmpty }

    /// Begins a request.
    mutating func begin(_ answer: any GatheredAnswer, for address: ControlServer.ReturnAddress, at now: Int64) {
        lastNumber += 1
        requests[lastNumber] = Request(address: address, answer: answer, deadline: now + Self.patience)
        goOn(with: lastNumber, at: now)
    }

    /// Takes a message of the inbox.
    ///
    /// - Returns: Whether the message answers a question.
    mutating func take(_ message: Message, at now: Int64) -> Bool {
        guard let token = message.token, let place = places.removeValue(forKey: token) else { return false }
        guard var request = requests[place.request], request.asked[place.partition]?.number == place.question
        else { return true }
        request.asked[place.partition] = nil
        do throws(ControlError) {
            try request.answer.take(message.bytes, of: place.partition)
        } catch {
            finish(place.request, .refused(error))
            return true
        }
        requests[place.request] = request
        goOn(with: place.request, at: now)
        return true
    }

    /// Repeats questions, and gives up requests whose time is over.
    mutating func tick(_ now: Int64) {
        for (number, request) in requests {
            if now >= request.deadline {
                finish(number, .silent(request.asked.keys.sorted()))
                continue
            }
            for (partition, asked) in request.asked where now >= asked.repeatAt {
                send(asked, to: partition, of: number, at: now)
            }
        }
    }

    /// Takes the requests that have ended.
    mutating func takeEnded() -> [Ended] {
        defer { ended = [] }
        return ended
    }

    private mutating func goOn(with number: Int, at now: Int64) {
        guard var request = requests[number] else { return }
        let questions = request.answer.takeQuestions()
        guard !questions.isEmpty || !request.asked.isEmpty else {
            do throws(ControlError) {
                return finish(number, .answered(try request.answer.end(id: request.address.id)))
            } catch {
                return finish(number, .refused(error))
            }
        }
        requests[number]?.answer = request.answer
        for question in questions {
            lastNumber += 1
            let asked = Asked(number: lastNumber, bytes: question.bytes, repeatAt: now)
            send(asked, to: question.partition, of: number, at: now)
        }
    }

    private mutating func send(_ asked: Asked, to partition: Int, of request: Int, at now: Int64) {
        var asked = asked
        asked.repeatAt = now + Self.repetition
        requests[request]?.asked[partition] = asked
        // While the connection is down, nothing is sent; the repetition follows.
        guard let token = try? inbox.request(ClusterNames.querySubject(partition), asked.bytes.span) else { return }
        requests[request]?.tokens.append(token)
        places[token] = (request, partition, asked.number)
    }

    private mutating func finish(_ number: Int, _ outcome: Ended.Outcome) {
        guard let request = requests.removeValue(forKey: number) else { return }
        for token in request.tokens { places[token] = nil }
        ended.append(Ended(address: request.address, outcome: outcome))
    }
}
#endif
