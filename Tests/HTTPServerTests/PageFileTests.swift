import Testing

@testable import HTTPServer

@Suite struct `The files of the live pages` {
    @Test func `all files together are smaller than 150 kB`() {
        #expect(PageFile.allCases.reduce(0) { $0 + $1.content.readableBytes } < 150_000)
    }

    @Test(arguments: PageFile.allCases)
    func `no file names another host, or writes text as HTML`(file: PageFile) {
        let text = String(buffer: file.content)
        #expect(!text.isEmpty)
        // The namespace of SVG is a name, not an address.
        let addresses = text.matches(of: #/https?:\/\/[^"'\s)]*/#).filter { $0.0 != "http://www.w3.org/2000/svg" }
        #expect(addresses.isEmpty)
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
            #expect(!text.contains(word), "\(word)")
        }
    }

    @Test func `the pages have no inline scripts or styles, which the policy forbids`() {
        for file in PageFile.allCases where file.isDocument {
            let text = String(buffer: file.content)
            #expect(text.matches(of: #/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/#).isEmpty, "\(file)")
        }
    }
}
