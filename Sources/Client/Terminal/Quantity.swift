import Glibc

/// Formats numbers for human readers.
package enum Quantity {
    /// Returns a count with thousands separators: `12,696`.
    ///
    /// - Parameter count: The count.
    /// - Returns: The formatted count.
    package static func count(_ count: some BinaryInteger) -> String {
        let digits = Array(String(count.magnitude))
        var text = count < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// Returns a count with its noun: `1 stream`, `2 streams`.
    ///
    /// - Parameters:
    ///   - count: The count.
    ///   - noun: The noun in the singular.
    /// - Returns: The formatted count and the noun.
    package static func count(_ count: some BinaryInteger, of noun: String) -> String {
        "\(self.count(count)) \(noun)\(count == 1 ? "" : "s")"
    }

    /// Returns a number of bytes: `317 B`, `1.2 kB`, `34.5 MB`.
    ///
    /// - Parameter bytes: The number of bytes.
    /// - Returns: The formatted size.
    package static func bytes(_ bytes: Int) -> String {
        guard bytes >= 1000 else { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = ""
        for next in ["kB", "MB", "GB", "TB", "PB"] where value >= 999.95 {
            value /= 1000
            unit = next
        }
        return "\(fixed(value, digits: 1)) \(unit)"
    }

    /// Returns a duration: `0.21 s`, `4.3 s`, `2 min 5 s`, `3 h 7 min`, `12 d 4 h`.
    ///
    /// - Parameter seconds: The duration in seconds, at least 0.
    /// - Returns: The formatted duration.
    package static func duration(_ seconds: Double) -> String {
        guard seconds >= 0, seconds < 1e12 else { return "-" }
        if seconds < 0.995 { return "\(fixed(seconds, digits: 2)) s" }
        if seconds < 59.95 { return "\(fixed(seconds, digits: 1)) s" }
        let whole = Int(seconds.rounded())
        let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86_400)
        if hours == 0 { return "\(minutes) min \(whole % 60) s" }
        if days == 0 { return "\(hours) h \(minutes % 60) min" }
        return "\(days) d \(hours % 24) h"
    }

    /// Returns a time in its largest unit, usually with at most six characters: `3 s`, `59 min`.
    ///
    /// - Parameter seconds: The time in seconds.
    /// - Returns: The formatted time.
    static func age(_ seconds: Double) -> String {
        let whole = Int(max(0, min(seconds, 1e12)))
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min" }
        return whole < 86_400 ? "\(whole / 3600) h" : "\(whole / 86_400) d"
    }

    /// Returns a number with a fixed number of decimals.
    ///
    /// - Parameters:
    ///   - value: The number.
    ///   - digits: The number of digits after the decimal point, from 0 to 9.
    /// - Returns: The formatted number; `-` for NaN or infinity.
    package static func fixed(_ value: Double, digits: Int) -> String {
        guard value.isFinite, value.magnitude < 1e9 else { return value.isFinite ? "\(value)" : "-" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(sign)\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// Returns a number in its shortest form: `60`, `0.5`.
    static func decimal(_ value: some BinaryFloatingPoint & LosslessStringConvertible) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
    }

    /// Returns a time in the machine's time zone, in a format like that of ISO 8601: `2026-11-23 13:05:09`.
    ///
    /// - Parameter nanoseconds: Nanoseconds since the Unix epoch.
    /// - Returns: The formatted time.
    package static func localTime(nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = unsafe tm()
        guard unsafe localtime_r(&seconds, &parts) != nil else { return "-" }
        let date = unsafe [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday].map(twoDigits)
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits)
        return date.joined(separator: "-") + " " + time.joined(separator: ":")
    }

    private static func twoDigits(_ value: CInt) -> String {
        value < 10 ? "0\(value)" : "\(value)"
    }
}
