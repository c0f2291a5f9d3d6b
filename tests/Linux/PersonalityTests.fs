/// Operations with credentials that a ring remembers.
module Uring.Tests.Linux.PersonalityTests

open System
open System.Net
open System.Runtime.InteropServices
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

/// Of the calling thread alone, and with it the rights that root has over files.
[<DllImport("libc", EntryPoint = "setfsuid")>]
extern int private setfsuid(uint32 user)

[<DllImport("libc", EntryPoint = "geteuid")>]
extern uint32 private geteuid()

let private nobody = 65534u

let private dispose (personality: Personality) : Uring<unit> =
    uring { do! (personality :> IAsyncDisposable).DisposeAsync() }

/// The credentials of nobody, while the ring's thread is root before and after.
let private asNobody: Uring<Personality> =
    uring {
        setfsuid nobody |> ignore
        let! personality = Personality.register
        setfsuid 0u |> ignore
        return personality
    }

let private readOnly = OpenFlags.Read
let private secret = IO.UnixFileMode.UserRead ||| IO.UnixFileMode.UserWrite

let private close (file: File) : Uring<unit> = File.close file

/// What only its owner and root may do, tried by nobody and by oneself in a folder that everybody may search, in one that
/// everybody may write to, and with a file that is root's own.
let private asRoot name (body: LoopThread -> Personality -> string -> unit) =
    testCase name (fun () ->
        if geteuid () <> 0u then
            skiptest "only root can become another user, and this is not root"

        inFolder (fun folder ->
            let closed = at folder "closed"
            let opened = at folder "open"
            IO.Directory.CreateDirectory(closed) |> ignore
            IO.Directory.CreateDirectory(opened) |> ignore
            IO.File.SetUnixFileMode(folder, enum<IO.UnixFileMode> 0o755)
            IO.File.SetUnixFileMode(opened, enum<IO.UnixFileMode> 0o777)
            IO.File.WriteAllText(at closed "secret", "x")
            IO.File.SetUnixFileMode(at closed "secret", secret)

            withLoop (fun host ->
                let personality = runOn host asNobody
                body host personality folder
                runOn host (dispose personality))))

let private isForbidden (host: LoopThread) what (program: Uring<'T>) =
    match failureOf (fun () -> runOn host program) with
    | :? UnauthorizedAccessException -> ()
    | :? Sockets.SocketException as reason when reason.SocketErrorCode = Sockets.SocketError.AccessDenied ->
        ()
    | other -> failtest $"{what}: {other}"

let private ownerOf (host: LoopThread) path = (runOn host (File.statusOfLink path)).Owner

let private decide =
    testList "credentials decide" [
        asRoot "who may change names, and whose they are" (fun host personality folder ->
            let isOpen name = at (at folder "open") name
            let isClosed name = at (at folder "closed") name

            let changes = [
                "directory", Personality.makeDirectory personality
                "symbolic link", (fun path -> Personality.makeSymbolicLink personality path "anywhere")
            ]

            for name, change in changes do
                isForbidden host name (change (isClosed name))
                runOn host (change (isOpen name))
                Expect.equal (ownerOf host (isOpen name)) nobody name

            let link = Personality.makeHardLink personality
            isForbidden host "hard link" (link (isClosed "link") (isOpen "directory"))
            let make = Personality.openWith personality (OpenFlags.Write ||| OpenFlags.Create) secret
            let made = runOn host (make (isOpen "file"))
            runOn host (close made)
            runOn host (link (isOpen "link") (isOpen "file"))
            isForbidden host "hard link to a closed one" (link (isClosed "link") (isOpen "file"))
            isForbidden host "rename" (Personality.rename personality (isOpen "link") (isClosed "link"))
            runOn host (Personality.rename personality (isOpen "link") (isOpen "second"))
            isForbidden host "delete" (Personality.delete personality (isClosed "secret"))
            runOn host (Personality.delete personality (isOpen "second"))
            isForbidden host "remove" (Personality.removeDirectory personality (at folder "closed"))
            runOn host (Personality.removeDirectory personality (isOpen "directory"))
            isForbidden host "temporary" (Personality.openTemporary personality (at folder "closed"))
            let temporary = runOn host (Personality.openTemporary personality (at folder "open"))
            Expect.equal (runOn host (File.status temporary)).Owner nobody "temporary"
            runOn host (close temporary))

        asRoot "what may be known of a path" (fun host personality folder ->
            let file = at (at folder "closed") "secret"
            let status = runOn host (Personality.statusOfPath personality file)
            Expect.equal status.Owner 0u "it is root's"
            let link = at (at folder "open") "link"
            runOn host (Personality.makeSymbolicLink personality link file)

            Expect.equal
                (runOn host (Personality.statusOfLink personality link)).Owner
                nobody
                "the link itself"

            let ask follow =
                Personality.statusOfPathAs personality StatusFields.Owner StatusSync.AsUsual follow link

            Expect.equal ((runOn host (ask true)).Owner, (runOn host (ask false)).Owner) (0u, nobody) "both"
            IO.File.SetUnixFileMode(at folder "closed", enum<IO.UnixFileMode> 0o700)
            isForbidden host "status" (Personality.statusOfPath personality file)
            isForbidden host "status by link" (ask true)
            isForbidden host "directory" (Personality.openDirectory personality (at folder "closed"))
            let directory = runOn host (Personality.openDirectory personality (at folder "open"))
            runOn host (close directory))

        asRoot "whose attributes may be read and set" (fun host personality folder ->
            let file = at (at folder "closed") "secret"
            let value = ReadOnlyMemory "a note"B

            match failureOf (fun () -> runOn host (File.setAttributeOfPath file "user.note" value)) with
            | :? NotSupportedException -> skiptest "no attributes on this file system"
            | null -> ()
            | other -> failtest $"{other}"

            isForbidden host "get" (Personality.attributeOfPath personality file "user.note")
            isForbidden host "set" (Personality.setAttributeOfPath personality file "user.note" value)
            IO.File.SetUnixFileMode(file, enum<IO.UnixFileMode> 0o666)
            let found = runOn host (Personality.attributeOfPath personality file "user.note")
            Expect.equal found "a note"B "value"
            runOn host (Personality.setAttributeOfPath personality file "user.other" value))

        asRoot "which Unix sockets are made and reached" (fun host personality folder ->
            let place name = Sockets.UnixDomainSocketEndPoint(at (at folder name) "socket")
            isForbidden host "listen" (Personality.listen personality (place "closed") 1)
            let theirs = runOn host (Personality.listen personality (place "open") 1)
            Expect.equal (ownerOf host (at (at folder "open") "socket")) nobody "its name"
            let ours = runOn host (Socket.listen (place "closed") 8)
            // Root's, and nobody else may write to it.
            isForbidden host "connect" (Personality.connect personality (place "closed"))
            let root = runOn host (Socket.connect (place "closed"))
            let client = runOn host (Personality.connect personality (place "open"))

            for socket in [ root; client; theirs; ours ] do
                runOn host (Socket.close socket))

        asRoot "which step of a socket is whose" (fun host personality folder ->
            let place name = Sockets.UnixDomainSocketEndPoint(at (at folder name) "socket")

            let socket =
                Personality.createSocket
                    personality
                    Sockets.AddressFamily.Unix
                    Sockets.SocketType.Dgram
                    Sockets.ProtocolType.Unspecified

            let first = runOn host socket
            let second = runOn host socket
            isForbidden host "bind" (Personality.bind personality first (place "closed"))
            runOn host (Socket.bind first (place "closed"))
            isForbidden host "connect" (Personality.connectTo personality second (place "closed"))
            runOn host (Socket.connectTo second (place "closed"))

            for socket in [ first; second ] do
                runOn host (Socket.close socket))

        asRoot "the same from C#" (fun host personality folder ->
            // The facade's own ring has the credentials of its own thread: here it is the test's loop that has others.
            ignore (host, personality)
            let isOpen name = at (at folder "open") name

            task {
                use ring = new global.Uring.Ring()

                let! theirs =
                    ring.RunAsync<global.Uring.RingPersonality>(fun () ->
                        setfsuid nobody |> ignore
                        let registering = ring.RegisterPersonalityAsync()
                        setfsuid 0u |> ignore
                        registering)

                use personality = theirs
                do! personality.CreateSymbolicLinkAsync(isOpen "link", "anywhere")
                let! status = personality.StatusAsync(isOpen "link", followLinks = false)
                Expect.equal status.UserId nobody "link"

                let! _ =
                    Observe.raises<UnauthorizedAccessException> "hard link" (fun () ->
                        personality.CreateHardLinkAsync(at (at folder "closed") "link", isOpen "link"))

                let! _ =
                    Observe.raises<UnauthorizedAccessException> "attribute" (fun () ->
                        Observe.discard (
                            personality.GetAttributeAsync(at (at folder "closed") "secret", "user.note")
                        ))

                let place name = Sockets.UnixDomainSocketEndPoint(at (at folder name) "socket")

                let! denied =
                    Observe.raises<Sockets.SocketException> "listen" (fun () ->
                        Observe.discard (personality.ListenAsync(place "closed")))

                Expect.equal denied.SocketErrorCode Sockets.SocketError.AccessDenied "listen"
                use! listener = personality.ListenAsync(place "open")
                use! client = personality.ConnectAsync(place "open")
                use! temporary = personality.CreateTemporaryAsync(at folder "open")
                let! made = temporary.GetStatusAsync()
                Expect.equal made.UserId nobody "temporary"
                ignore (listener, client)
            }
            |> finished "C#")
    ]

[<Tests>]
let tests =
    testList "Personality" [
        decide

        Observe.inFolderCase "sockets and direct files, from C#" (fun folder ->
            task {
                use ring = new global.Uring.Ring(global.Uring.RingOptions(DirectDescriptors = 2))
                use! personality = ring.RegisterPersonalityAsync()

                use! file =
                    personality.OpenDirectAsync(at folder "file", IO.FileMode.CreateNew, IO.FileAccess.Write)

                use! again = personality.OpenDirectAsync(at folder "file", global.Uring.FileOpenOptions())
                Expect.isTrue (file.IsDirect && again.IsDirect) "direct"
                let place name = Sockets.UnixDomainSocketEndPoint(at folder name)
                use! listener = personality.ListenAsync(place "listener")
                use! client = personality.ConnectAsync(place "listener")
                use! server = listener.AcceptAsync()
                do! client.SendAllAsync(Pairs.bytesOf "hello")
                let! echoed = Pairs.receiveExactly server 5
                Expect.equal echoed (Pairs.bytesOf "hello") "bytes"
                use! mailbox = personality.BindAsync(place "mailbox")

                use! sender =
                    personality.CreateSocketAsync(Sockets.AddressFamily.Unix, Sockets.SocketType.Dgram)

                do! personality.BindAsync(sender, place "sender")
                do! personality.ConnectAsync(sender, place "mailbox")
                let! sent = sender.SendAsync(Pairs.bytesOf "x")
                Expect.equal sent 1 "datagram"
                use other = new global.Uring.Ring()

                use! theirs =
                    global.Uring.UringSocket.CreateAsync(
                        Sockets.AddressFamily.Unix,
                        Sockets.SocketType.Dgram,
                        ring = other
                    )

                let! reason =
                    Observe.raises<ArgumentException> "another ring's" (fun () ->
                        personality.ConnectAsync(theirs, place "mailbox"))

                Expect.equal reason.ParamName "socket" "which"
                ignore mailbox
            })

        testCase "another user's rights decide what can be opened" (fun () ->
            if geteuid () <> 0u then
                skiptest "only root can become another user, and this is not root"

            inFolder (fun folder ->
                let path = at folder "secret"
                IO.File.WriteAllText(path, "x")
                IO.File.SetUnixFileMode(path, secret)
                // The folder is 0700: nobody has to be let in, and let out again.
                IO.File.SetUnixFileMode(folder, enum<IO.UnixFileMode> 0o777)

                withLoop (fun host ->
                    let personality = runOn host asNobody

                    match
                        failureOf (fun () ->
                            runOn host (Personality.openWith personality readOnly secret path))
                    with
                    | :? UnauthorizedAccessException -> ()
                    | other -> failtest $"{other}"

                    let own =
                        uring {
                            use! file = File.openRead path
                            return file.Path
                        }

                    Expect.equal (runOn host own) path "as oneself"
                    let flags = OpenFlags.Write ||| OpenFlags.Create

                    let made =
                        runOn host (Personality.openWith personality flags secret (at folder "made"))

                    runOn host (File.close made)
                    // Only its owner and root may: it is nobody's own.
                    let again =
                        runOn host (Personality.openWith personality readOnly secret (at folder "made"))

                    runOn host (File.close again)
                    runOn host (dispose personality))))

        testCase "what is forgotten is used no more, and forgetting again does nothing" (fun () ->
            withLoop (fun host ->
                let personality = runOn host Personality.register
                Expect.isGreaterThan personality.Number 0 "number"
                Expect.equal (runOn host (Personality.perform personality nop)) 0 "nop"
                runOn host (dispose personality)
                runOn host (dispose personality)

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> runOn host (Personality.perform personality nop) |> ignore)
                    "forgotten"

                // The number is nobody's now: the kernel says so, too.
                let stale = {
                    nop with
                        Submission = { nop.Submission with Personality = uint16 personality.Number }
                }

                Expect.equal (errnoOf host stale) Errno.EINVAL "the kernel"))

        testCase "another ring knows nothing of them" (fun () ->
            withLoop (fun host ->
                let personality = runOn host Personality.register

                withLoop (fun other ->
                    Expect.throwsT<ArgumentException>
                        (fun () -> runOn other (Personality.perform personality nop) |> ignore)
                        "on another ring"

                    let descriptor = other.Loop.Own 0
                    GC.SuppressFinalize descriptor

                    Expect.throwsT<ArgumentException>
                        (fun () -> personality.Sign(FileRequest.sync descriptor false) |> ignore)
                        "on another ring's descriptor")

                runOn host (dispose personality)))

        testCase "they go with their ring" (fun () ->
            let personality = withLoop (fun host -> runOn host Personality.register)
            (personality :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "forgotten")
    ]
