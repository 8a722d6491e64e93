import Foundation
import Glibc
import KerasArchives
import ModelFiles
import TestSupport

/// A worker's report on an input, written as one byte to standard output.
enum Mark: UInt8 {
    /// The worker is about to pass the input to libhdf5 and libzip.
    case library = 0x4C
    /// The worker is about to read a safetensors file: the input, or the libraries' output.
    case safetensors = 0x53
    /// The input was a model after all.
    case accepted = 0x61
    /// The input was refused. Each kind of error has its own mark.
    case corrupt = 0x63
    case notAModel = 0x6E
    case unsupported = 0x75
    case otherwise = 0x6F

    init(_ code: ModelFileError.Code) {
        switch code {
        case .corrupt: self = .corrupt
        case .notAModel: self = .notAModel
        case .unsupported: self = .unsupported
        case .notFound, .unreadable, .exists, .notWritten: self = .otherwise
        }
    }
}

/// The process that reads inputs one by one, and reports each step in advance.
struct Worker {
    /// The time limit for one input, in seconds.
    static let seconds: UInt32 = 10
    /// The memory limit of the process, in bytes.
    static let memory: UInt = 2 << 30

    let corpus: Corpus
    let seed: UInt64
    let kind: FuzzInput.Kind

    func run(first: Int, count: Int) throws {
        var limit = rlimit(rlim_cur: Self.memory, rlim_max: Self.memory)
        // A sanitizer reserves terabytes of address space, so a sanitized worker gets no limit.
        #if !SANITIZED
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else {
            throw CocoaError(.featureUnsupported)
        }
        #endif
        limit = rlimit(rlim_cur: 0, rlim_max: 0)
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 else {
            throw CocoaError(.featureUnsupported)
        }
        let folder = try TemporaryFolder()
        for index in first..<first + count {
            let input = corpus.input(index, of: kind, seed: seed)
            // The alarm ends the process if the input takes too long.
            alarm(Self.seconds)
            say(try mark(of: input, folder))
            alarm(0)
        }
    }

    private func mark(of input: FuzzInput, _ folder: TemporaryFolder) throws -> Mark {
        var file = input.bytes
        if kind != .safetensors {
            say(.library)
            do throws(Defect) {
                file = try readByLibraries(file)
            } catch {
                return Mark(error.code)
            }
        }
        say(.safetensors)
        do {
            if kind != .safetensors { file = try filled(file, input, folder) }
            _ = try ModelFile.read(try input.write(file, to: folder))
            return .accepted
        } catch let error as ModelFileError {
            return Mark(error.code)
        } catch let error as Defect {
            return Mark(error.code)
        }
    }

    private func readByLibraries(_ bytes: [UInt8]) throws(Defect) -> [UInt8] {
        #if Keras
        try KerasArchive.read(bytes.span).bytes
        #else
        throw Defect(.unsupported, "this build does not read Keras files")
        #endif
    }

    /// Returns the libraries' output with all weights. Some of them are still in the input.
    private func filled(_ answer: [UInt8], _ input: FuzzInput, _ folder: TemporaryFolder) throws -> [UInt8] {
        #if Keras
        let file = try FileBytes(try input.write(input.bytes, to: folder))
        guard let form = KerasReader.decode(answer) else { throw Defect(.corrupt, "the output is damaged") }
        return try form.filled(from: file).bytes
        #else
        return answer
        #endif
    }

    private func say(_ mark: Mark) {
        guard [mark.rawValue].writeAll(to: STDOUT_FILENO) else { _exit(EXIT_FAILURE) }
    }
}

extension FuzzInput {
    /// Writes the file and the description beside it.
    ///
    /// - Returns: The path of the file.
    func write(_ bytes: [UInt8], to folder: TemporaryFolder) throws -> String {
        try Data(bytes).write(to: folder.url("input.safetensors"))
        let beside = folder.url("input.yaml")
        if let description {
            try Data(description).write(to: beside)
        } else {
            try? FileManager.default.removeItem(at: beside)
        }
        return folder.path("input.safetensors")
    }
}
