import{$ as ze,A as Y,B as y,C as x,D as j,E as Ue,F as $e,G as T,H as Be,I as H,J as P,K as Fe,L as G,M as O,N as w,O as re,P as v,Q as We,R as He,S as ne,T as _,U as E,V as K,W as Ke,X as b,Y as z,Z as q,_ as p,aa as Je,b as Ne,ba as Ye,c as Re,ca as me,da as m,e as Le,ea as Ge,f as B,fa as he,g as Me,ga as ie,ha as Xe,i as A,ia as Ze,j as S,ja as Qe,k as g,ka as N,l as Ie,la as et,m as F,ma as tt,n as Ve,na as st,o as D,p as te,q as De,r as se,s as pe,t as W,u,v as je,w as t,x as M,y as ae,z as oe}from"./chunk-S7XP72TG.js";import{b as xe,d as L,f as qe,g as C,j as V}from"./chunk-MNTAYEIE.js";var ve=25,Ct=[["title","Content","title"],["created_at","Created","created_at"],["views","Views","total_views"],["unique_viewers","Viewers","unique_viewers"],["reactions","Reactions","total_reactions"],["comments","Comments","total_comments"],["last_view_at","Last view","last_view_at"]],fe=C("");function at(){let e=ae.value.id,o=`/api/user/${encodeURIComponent(e)}/artist-stats`,r=_(`artist:${e}`),{now:n,former:a}=E(o,r?.seq,{trend_of:ne(He)});return t`<${P} title=${`Artist ${e}`} about=${n.data?je(n.data):n.fault?"":"…"} zone=${n.data}>${n.data&&t`<${Qe} subject=${{user_id:n.data.user_id}} />`}<//>
    <${v} asked=${n} room=${t`<${O} metrics=${8} />`}>${s=>t`<${st} body=${s} former=${a} live=${r} path=${o} />`}<//>
    <${St} id=${e} pulse=${r?.seq} />`}function St({id:e,pulse:o}){let r=M.value.searchParams,n=r.get("sort")??"-views",a=Math.max(0,Number(r.get("page"))||0),s=`/api/user/${encodeURIComponent(e)}/posts-stats`,i=fe.value.trim().toLowerCase(),l=A(s,{...x.value,sort:n,limit:i?500:ve,offset:i?0:a*ve},o);return t`<${p} title="Contents" wide=${!0} files=${`${s}?${new URLSearchParams({...x.value,sort:n,limit:"500"})}`}>
    <input type="search" placeholder="Search titles" aria-label="Search titles" value=${fe.value} onInput=${c=>{fe.value=c.currentTarget.value}} />
    <${v} asked=${l} lines=${8}>
      ${c=>{let f=c.posts.filter($=>!i||V($).toLowerCase().includes(i));if(!f.length)return t`<${w}>${i?"No title has this text.":"No contents yet."}<//>`;let d=Math.ceil(c.total/ve);return t`<div class="scroll" tabindex="0" role="region" aria-label="List of contents">
            <table class="rows">
              <thead><tr>${Ct.map(([$,h])=>t`<${Tt} key=${$} name=${$} label=${h} sort=${n} />`)}</tr></thead>
              <tbody>
                ${f.map($=>t`<tr key=${$.post_id}>
                    <th scope="row"><a href=${N($.post_id)}>${V($)}</a> <small>${u($.kind??"")}${$.visibility==="private"?", private":""}</small></th>
                    <td>${$.created_at?De($.created_at):"–"}</td>
                    ${["total_views","unique_viewers","total_reactions","total_comments"].map(h=>t`<td class="n">${g($[`${h}${y.value}`])}</td>`)}
                    <td>${se($[`last_view_at${y.value}`])}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>
          ${!i&&d>1&&t`<nav class="pager" aria-label="Pages of the list">
            <button type="button" disabled=${a===0} onClick=${()=>T({page:a>1?`${a-1}`:null})}>Previous</button>
            <span>Page ${a+1} of ${d}</span>
            <button type="button" disabled=${a+1>=d} onClick=${()=>T({page:`${a+1}`})}>Next</button>
          </nav>`}`}}
    <//>
  <//>`}function Tt({name:e,label:o,sort:r}){let n=r.replace("-","")===e,a=r.startsWith("-"),s=n&&a?e:n?`-${e}`:e==="title"?e:`-${e}`,i=!["title","created_at","last_view_at"].includes(e);return t`<th scope="col" class=${i?"n":""} aria-sort=${n?a?"descending":"ascending":void 0}>
    <button type="button" class="plain" onClick=${()=>T({sort:s,page:null})}>${o}${n?a?" ↓":" ↑":""}</button>
  </th>`}var Et=Date.UTC(2024,0,1),Pt=new Intl.DateTimeFormat(void 0,{weekday:"short",timeZone:"UTC"}),ot=Array.from({length:7},(e,o)=>Pt.format(Et+o*864e5));function rt(e,o){let r=Array.from({length:7},()=>Array(24).fill(0));for(let n of e)r[n.weekday][n.hour]=n[`views${o}`];return r}function nt({title:e,cells:o}){let r=Math.max(0,...o.flat());return t`<div class="scroll" tabindex="0" role="region" aria-label=${e}>
    <table class="heat">
      <caption class="unseen">${e}</caption>
      <thead><tr><td></td>${Array.from({length:24},(n,a)=>t`<th scope="col">${a%3?t`<span class="unseen">${a}</span>`:a}</th>`)}</tr></thead>
      <tbody>
        ${o.map((n,a)=>t`<tr><th scope="row">${ot[a]}</th>
          ${n.map((s,i)=>t`<td class=${`s${ze(s,r)}`} title=${`${ot[a]} ${i}:00: ${S(s)}`}><span class="unseen">${S(s)}</span></td>`)}
        </tr>`)}
      </tbody>
    </table>
  </div>`}function lt(){let e=_("site"),o=E("/api/admin/channels",e?.seq),r=E("/api/admin/play-orders",e?.seq),n=A("/api/admin/peak-hours",x.value,e?.seq);return t`<${P} title="Channels" about="Where players and pages found what they showed." />
    <div class="cards">
      <${p} title="Channels" wide=${!0} files=${b("/api/admin/channels","channels")}>
        <${v} asked=${o.now} lines=${9}>${a=>t`<${it} rows=${a.channels} former=${o.former?.channels} field="channel" label="Channel" />`}<//>
      <//>
      <${p} title="Play orders" wide=${!0} files=${b("/api/admin/play-orders","play_orders")}>
        <${v} asked=${r.now} lines=${4}>${a=>t`<${it} rows=${a.play_orders} former=${r.former?.play_orders} field="play_order" label="Play order" />`}<//>
      <//>
      <${p} title="Views by hour of the week" wide=${!0} files=${b("/api/admin/peak-hours","weekday_hours")}>
        <p class="quiet">By the viewers' own clocks: a view at nine in the evening stands at 21, wherever it was. Players send their clock with each view.</p>
        <${v} asked=${n} lines=${8}>
          ${a=>{let s=rt(a.weekday_hours,y.value);return s.flat().some(i=>i>0)?t`<${nt} title="Views by weekday and hour" cells=${s} />`:t`<${w}>No view of these days came with a clock.<//>`}}
        <//>
      <//>
    </div>`}function it({rows:e,former:o,field:r,label:n}){if(!e?.length)return t`<${w}>Players and pages have named none in these days.<//>`;let a=Math.max(1,...e.map(s=>s[`views${y.value}`]));return t`<div class="scroll" tabindex="0" role="region" aria-label=${`${n}, in numbers`}><table class="rows">
    <thead><tr><th scope="col">${n}</th><th scope="col" class="n"><${H} name="views">Views<//></th><th scope="col" class="n"><${H} name="unique_viewers">Viewers<//></th>
      <th scope="col" class="n"><${H} name="dwell">Time per view<//></th><th scope="col" class="n"><${H} name="dwell">Time in all<//></th><th scope="col" class="n"><${H} name="conversion">Opened after it was seen<//></th></tr></thead>
    <tbody>${e.map(s=>{let i=f=>s[`${f}${y.value}`],l=o?.find(f=>f[r]===s[r])?.[`views${y.value}`]??0,c=o&&Ve(i("views"),l);return t`<tr key=${s[r]}><th scope="row">${r==="channel"?u(s.channel):Ge(s.play_order)}<i class="under" style=${`width:${i("views")/a*100}%`} aria-hidden="true"></i></th>
        <td class="n" title=${S(i("views"))}>${g(i("views"))}${c&&t` <small class=${i("views")<l?"down":"up"} title=${`${S(l)} in the days before`}>${c}</small>`}</td>
        <td class="n">${g(i("unique_viewers"))}</td><td class="n">${D(i("dwell_seconds_per_view"))}</td>
        <td class="n">${D(i("dwell_seconds"))}</td><td class="n">${F(i("conversion_rate"))}</td></tr>`})}</tbody></table></div>`}var Ot=300,At=12e3,xt=0,we=0,ye=0,I=null,R=C([]),le=C(0);function ct(){ye=performance.now(),I=new EventSource("/api/admin/outcomes/live"),I.onopen=()=>{R.value=[]},I.onmessage=e=>{ye=performance.now();let o=JSON.parse(e.data);if(le.value+=o.missed,!o.events.length)return;let r=o.events.map(n=>({...n,key:++xt})).reverse();R.value=[...r,...R.value].slice(0,Ot)}}Re.subscribe(dt);setInterval(()=>{!document.hidden&&performance.now()-ye>At&&dt()},1e3);function dt(){I&&(I.close(),ct())}function ce(){return we+=1,I||ct(),()=>{we-=1,we===0&&(I?.close(),I=null,R.value=[])}}var qt=30,Nt=C(0);function ut(){let e=_("top"),o=_("site");L(()=>(Nt.value=Date.now(),ce()),[]);let r=e?.posts??[],n=new Map(r.map(i=>[`${i.post_id}`,V(i)])),a=r.filter(i=>i.viewers_now>0).sort((i,l)=>l.viewers_now-i.viewers_now),s=R.value.filter(i=>i.outcome==="accepted"&&i.post_id!==null).slice(0,qt);return t`<div class="pagebar"><div class="titles"><h1>Now</h1><p class="quiet">The last five minutes. Today means the UTC day.</p></div></div>
    <div class="metrics">
      <${m} name="viewers_now" label="Viewers now" n=${o?.viewers_now} live=${!0} />
      <${m} name="views" label="Views today" n=${o?.views_today} live=${!0} />
      <${m} name="unique_viewers" label="Viewers today" n=${o?.unique_viewers_today} live=${!0} />
    </div>
    <div class="cards">
      <${p} title="Being looked at" wide=${!0}>
        ${e?a.length?t`<div class="board">${a.map(i=>t`<a key=${i.post_id} href=${N(i.post_id)}><span>${V(i)}</span><${me} n=${i.viewers_now} /><small>now</small><${me} n=${i.views_today} /><small>today</small></a>`)}</div>`:t`<${w}>No content has a viewer at this moment. A view appears here within a second.<//>`:t`<${G} />`}
      <//>
      <${p} title="Last views" wide=${!0}>
        ${s.length?t`<div class="scroll" tabindex="0" role="region" aria-label="Last views"><table class="rows"><thead><tr><th scope="col">Time</th><th scope="col">Content</th><th scope="col">Country</th><th scope="col">Device</th><th scope="col">Kind</th></tr></thead>
                <tbody>${s.map(i=>t`<tr key=${i.key}><td>${te(i.at)}</td><th scope="row"><a href=${N(i.post_id)}>${n.get(`${i.post_id}`)??V(i)}</a></th>
                    <td>${i.country?W(i.country):"–"}</td><td>${u(i.device??"–")}</td><td>${u(i.event_type??"")}, ${u(i.source)}</td></tr>`)}</tbody></table></div>`:t`<${w}>Views are listed here from the moment this page is open.<//>`}
      <//>
    </div>`}function pt(e){let o=new Map;for(let r of e.split(`
`)){let n=/^([a-z_]+(?:\{[^}]*\})?) ([-+.\deE]+)$/.exec(r);n&&o.set(n[1],Number(n[2]))}return o}function X(e,o,r=/./){let n=0;for(let[a,s]of e)a.split("{")[0]===o&&r.test(a)&&(n+=s);return n}var _e=5e3,mt=120,Q=C([]),ge=C(null),Z=C(null);async function $t(){try{let[e,o]=await Promise.all(["/metrics","/health/ready"].map(n=>fetch(n,{signal:AbortSignal.timeout(_e)})));if(!e.ok)throw new B(e.status,"");let r=pt(await e.text());ge.value=await o.json(),Q.value=[...Q.value.slice(1-mt),{at:Date.now(),values:r}],Z.value=null}catch(e){Z.value=e instanceof B?e:new B(0,"")}}function be(e,o){let r=Q.value;return r.slice(1).map((n,a)=>{let s=X(n.values,e,o)-X(r[a].values,e,o);return Math.max(0,Math.round(s*1e4/(n.at-r[a].at))/10)})}function ht(){_("site"),L(()=>{$t();let i=setInterval(()=>!document.hidden&&$t(),_e);return()=>clearInterval(i)},[]);let e=Q.value.at(-1)?.values,o=Q.value.slice(1).map(i=>new Date(i.at).toISOString()),r=be("vts_events_total",/outcome="accepted"/),n=be("vts_events_total",/outcome="(?!accepted)/),a=e?[...e].filter(([i,l])=>i.startsWith("vts_restarts_total{")&&l>0):[];return t`<div class="pagebar"><div class="titles"><h1>Operations</h1><p class="quiet">This process, every 5 seconds while this page is seen.</p></div></div>
    ${Z.value&&t`<${re} fault=${Z.value} />`}
    ${e?t`<div class="metrics">
            <${m} name="accepted" label="Counted, a second" n=${r.at(-1)} write=${g} />
            <${m} name="journal" label="Waiting in the journal" n=${s("vts_journal_depth")} />
            <${m} name="behind" label="Database behind" n=${s("vts_drain_lag_seconds")} write=${D} />
            <${m} name="live_clients" label="Live connections" n=${s("vts_live_clients")} />
            <${m} name="days_waiting" label="Days to add up again" n=${s("vts_rollup_days_waiting")} />
            <${m} name="dead_letters" label="Dead letters" n=${X(e,"vts_dead_letters_total")} />
            <${m} name="restarts" label="Restarts" n=${X(e,"vts_restarts_total")} />
          </div>
          <section class="card wide charted"><header><h2>Events a second <small class="quiet">the last ${Math.ceil(mt*_e/6e4)} minutes, while this page is open</small></h2></header>
            ${o.length>1?t`<${z} title="Events a second" labels=${o} series=${[{label:"Counted",kind:"main",values:r},{label:"Not counted",kind:"second",values:n}]} />`:t`<${w}>A rate is the difference of two looks: the second one comes in 5 seconds.<//>`}
          </section>`:!Z.value&&t`<${O} metrics=${7} />`}
    <div class="cards start">
      <${p} title="Parts of this process" about="and the state of each" wide=${!0}>${ge.value?t`<ul class="parts">${Object.entries(ge.value.parts).map(([i,l])=>t`<li key=${i}><span class=${`status ${l==="ok"?"online":"bad"}`}>${u(i)}</span>${l!=="ok"&&t` <b>${typeof l=="string"?l:JSON.stringify(l)}</b>`}</li>`)}</ul>`:t`<${G} lines=${5} />`}<//>
      <${p} title="Events since the start" about="by source and outcome" wide="two">${e?t`<${Rt} values=${e} rate=${be} />`:t`<${G} lines=${6} />`}<//>
      <${p} title="Restarts" about="of parts, since the start">${a.length?t`<table class="rows"><tbody>${a.map(([i,l])=>t`<tr><th scope="row">${u(/actor="([^"]*)"/.exec(i)?.[1]??"")}</th><td>${u(/why="([^"]*)"/.exec(i)?.[1]??"")}</td><td class="n">${S(l)}</td></tr>`)}</tbody></table>`:t`<${w}>No part failed since VTS started.<//>`}<//>
    </div>`;function s(i){return e?.get(i)}}function Rt({values:e,rate:o}){let r=[...e].flatMap(([n,a])=>{let[,s,i]=/^vts_events_total\{outcome="([^"]*)",source="([^"]*)"\}$/.exec(n)??[];return s&&a>0?[{outcome:s,source:i,n:a}]:[]});return r.length?(r.sort((n,a)=>a.n-n.n),t`<div class="scroll tall" tabindex="0" role="region" aria-label="Events since the start, in numbers"><table class="rows"><thead><tr><th scope="col">Source</th><th scope="col">Outcome</th><th scope="col" class="n">A second</th><th scope="col" class="n">Events</th></tr></thead>
    <tbody>${r.map(({outcome:n,source:a,n:s})=>{let i=o("vts_events_total",RegExp(`outcome="${n}",source="${a}"`)).at(-1);return t`<tr key=${n+a}><td>${u(a)}</td><td><span class=${`outcome ${n==="accepted"?"good":"bad"}`}>${n==="accepted"?"Counted":u(n)}</span></td><td class="n">${g(i)}</td><td class="n" title=${S(s)}>${g(s)}</td></tr>`})}</tbody></table></div>`):t`<${w}>No event has come since VTS started.<//>`}var Se={invalid:"It could not be read, or a field was out of range.",identity_mismatch:"A player's payload named another player than its topic.",authentication_failed:"A bad token, or an unknown or unregistered player.",bot:"A crawler, a headless browser or a command-line client.",too_late:"From before the days that are kept raw; of anonymous visitors, more than 24 hours old.",duplicate:"It was sent before, and counted then.",rate_limited:"A player or visitor sent more than its allowance.",not_found:"An unknown content, and unknown ones are refused here.",deleted:"The content was deleted.",author:"The owner looked at the own content.",unavailable:"The journal had no room, or no catalog was loaded yet. The sender tries again."},Ce="/api/admin/outcomes";function vt(){let e=_("site");L(ce,[]);let{now:o,former:r}=E(Ce,`${e?.seq} ${R.value[0]?.key}`),n=j.value?.name==="reason"&&Se[j.value.value]?j.value.value:"",a=R.value.filter(s=>!n||s.outcome===n);return t`<${P} title="Why not counted" about="What became of every event that reached VTS." people=${!1} />
    <${v} asked=${o} room=${t`<${O} metrics=${3} />`}>
      ${s=>t`<${Lt} body=${s} former=${r} only=${n} />`}
    <//>
    <${p} title="Events as they arrive" wide=${!0}>
      <p class="quiet">Of this process, since this page is open${n?t`; only <b>${u(n)}</b> <button type="button" class="plain" onClick=${()=>T({pick:null})}>show all</button>`:""}${le.value?`; ${S(le.value)} came too fast to be listed`:""}.</p>
      ${a.length?t`<div class="scroll tall" tabindex="0" role="region" aria-label="Events as they arrive"><table class="rows">
              <thead><tr><th scope="col">Time</th><th scope="col">Outcome</th><th scope="col">Source</th><th scope="col">Content</th><th scope="col">From</th><th scope="col">Detail</th></tr></thead>
              <tbody>${a.slice(0,100).map(s=>t`<tr key=${s.key}><td>${te(s.at)}</td><td><span class=${`outcome ${s.outcome==="accepted"?"good":"bad"}`}>${s.outcome==="accepted"?"Counted":u(s.outcome)}</span></td>
                  <td>${u(s.source)}${s.event_type?t` <small>${u(s.event_type)}</small>`:""}</td>
                  <td>${s.post_id===null?"–":t`<a href=${N(s.post_id)}>${s.post_id}</a>`}</td>
                  <td>${[s.country&&W(s.country),s.device&&u(s.device)].filter(Boolean).join(", ")||"–"}</td><td>${s.detail??"–"}</td></tr>`)}</tbody></table></div>`:t`<${w}>Send an event now, and it appears here within a second with what became of it.<//>`}
    <//>`}function Lt({body:e,former:o,only:r}){let n=Y.value.name==="today",a=n?e.hourly:e.daily,[s,i]=ke(e.outcomes),[l,c]=o?ke(o.outcomes):[null,null],f=[{label:"Counted",kind:"main",values:a.map($=>$.accepted)},{label:r?u(r):"Not counted",kind:"second",values:a.map($=>r?$[r]:ke($)[1])}],d=n?"hour":"day";return t`<div class="metrics">
      <${m} name="accepted" label="Counted" n=${e.outcomes.accepted} was=${o?.outcomes.accepted} />
      <${m} name="not_counted" label="Not counted" n=${i} was=${c} less=${!0} />
      <${m} name="" label="Share not counted" n=${s?i/s:null} was=${l&&c!==null?c/l:null} write=${F} less=${!0} />
    </div>
    <section class="card wide charted"><header><h2>Events by ${d}</h2>${r&&t`<button type="button" class="chip" aria-label="Show all reasons" onClick=${()=>T({pick:null})}>Reason: <b>${u(r)}</b> <span aria-hidden="true">×</span></button>`}</header>
      <${z} title=${`Events by ${d}`} labels=${a.map($=>$.hour??$.date)} series=${f} /></section>
    <div class="cards start">
      <${p} title="Reasons" wide="two" files=${b(Ce,"daily")}><${Mt} counts=${e.outcomes} lost=${i} only=${r} /><//>
      <${p} title="By source" files=${b(Ce,"by_source")}><${It} rows=${e.by_source} /><//>
    </div>`}function ke(e){let o=Object.keys(Se).reduce((r,n)=>r+e[n],0);return[e.accepted+o,o]}function Mt({counts:e,lost:o,only:r}){let n=Object.entries(Se).sort(([a],[s])=>e[s]-e[a]);return t`<table class="rows reasons"><thead><tr><th scope="col">Reason</th><th scope="col" class="n">Events</th><th scope="col" class="n">Share</th></tr></thead>
    <tbody>${n.map(([a,s])=>t`<tr key=${a} class=${r===a?"picked":e[a]?"":"none"}>
        <th scope="row"><button type="button" class="plain" aria-pressed=${r===a} onClick=${()=>Ue("reason",a)}>${u(a)}</button><small class="quiet">${s}</small></th>
        <td class="n" title=${S(e[a])}>${g(e[a])}</td><td class="n quiet">${Ie(e[a],o)}</td></tr>`)}</tbody></table>`}function It({rows:e}){return e.length?t`<table class="rows"><thead><tr><th scope="col">Source</th><th scope="col">Outcome</th><th scope="col" class="n">Events</th></tr></thead>
    <tbody>${e.slice(0,20).map(o=>t`<tr><td>${u(o.source)}</td><td>${o.outcome==="accepted"?"Counted":u(o.outcome)}</td><td class="n" title=${S(o.events)}>${g(o.events)}</td></tr>`)}</tbody></table>`:t`<${w}>No events in these days.<//>`}var ee="/api/admin/sitewide-stats",de=[{name:"total_views",label:"Views",field:"views"},{name:"unique_viewers",label:"Unique viewers",field:"unique_viewers",about:!0},{name:"page_views",label:"Page views",field:"page_views"},{name:"unique_visitors",label:"Visitors",field:"unique_visitors",about:!0},{name:"visits",label:"Visits",field:"visits"},{name:"pages_per_visit",label:"Pages per visit",field:"pages_per_visit",write:jt},{name:"seconds_per_visit",label:"Time per visit",field:"seconds_per_visit",write:D},{name:"bounce_rate",label:"Bounce rate",field:"bounce_rate",write:F,less:!0},{name:"signups",label:"Signups",field:"signups"},{name:"posts",label:"Uploads",field:"posts"},{name:"api_calls",label:"API calls",field:"api_calls"},{name:"errors",label:"Errors",field:"errors",less:!0}],Vt=["views","page_views"],Dt=e=>Math.min(100,Math.floor(4e4/e));function jt(e){return e==null?"–":e.toLocaleString(void 0,{maximumFractionDigits:1})}function ft(e,o,r,n){let a=K(e,o);return n?a("hourly_trend").map(s=>[s.hour,s[r]]):Ke(a("daily_trend"),s=>s.views+s.page_views).map(s=>[s.date,s[r]??null])}function wt(){let e=_("site"),{now:o,former:r}=E(ee,e?.seq,{limit:100,trend_of:ne(We)}),n=A("/api/top",{...x.value,limit:10},e?.seq),a=A("/api/admin/channels",x.value,e?.seq);return t`<${P} title="Overview" about="The whole site." zone=${o.data} />
    <${v} asked=${o} room=${t`<${O} metrics=${13} />`}>
      ${s=>t`<${Ut} body=${s} former=${r} site=${e} />`}
    <//>
    <div class="cards">
      <${p} title="Top contents" wide=${!0} files=${`/api/top?${new URLSearchParams({...x.value,limit:`${Dt(Y.value.days)}`})}`}>
        <${v} asked=${n} lines=${11}>${s=>t`<${et} rows=${s.posts} />`}<//>
      <//>
      <${v} asked=${o} lines=${8}>${s=>t`<${Bt} body=${s} channels=${a} />`}<//>
    </div>`}function Ut({body:e,former:o,site:r}){let n=K(e,y.value),a=K(o,y.value),s=de.find(({field:h})=>h===M.value.searchParams.get("metric"))??de[0],i=Y.value.name==="today"&&Vt.includes(s.field),l=ft(e,y.value,s.field,i),c=e.value_trend&&n("value_trend"),f=[{label:s.label,kind:"main",values:l.map(([,h])=>h)}];if(s.field==="views"&&!i){let J=(c??n("daily_trend")).slice(-l.length).map(U=>c?U.views:U.unique_viewers);f.push({label:c&&j.value?Xe(j.value):"Unique viewers",kind:"second",values:J})}if(o&&!i){let h=ft(o,y.value,s.field,!1).slice(-l.length);f.push({label:"Days before",kind:"former",values:h.map(([,J])=>J)})}let d=i?"by hour, last 24 hours":"by day";return t`<div class="metrics many">
      ${de.slice(0,2).map($)}
      <${m} name="viewers_now" label="Viewers now" n=${r?.viewers_now} live=${!0} />
      ${de.slice(2).map($)}
    </div>
    <section class="card wide charted"><header><h2>${s.label} ${d}</h2><${Ze} days=${c} /></header>
      <${z} title=${`${s.label} ${d}`} labels=${l.map(([h])=>h)} series=${f} write=${s.write} />
    </section>`;function $({name:h,label:J,field:U,about:bt,less:_t,write:gt}){let Ae=n(h),ue=h==="unique_viewers"?n("unique_viewers_imported"):0,kt=ue?`${g(ue)} are of imported days, on each of which a viewer counts anew.`:"";return t`<${m} key=${h} name=${h==="total_views"?"views":h} label=${J} n=${Ae} was=${o?a(h):null}
      estimated=${bt&&Ae-ue>Ye} hint=${kt} less=${_t} write=${gt} picked=${s.field===U}
      onPick=${()=>T({metric:U==="views"?null:U})} />`}}function Bt({body:e,channels:o}){let r=K(e,y.value),n=r("total_views");return t`<${p} title="Countries" wide=${!0} files=${b(ee,"country")}>
      <div class="world"><${Je} values=${r("views_by_country")} ...${ie("country")} />
        <div><${q} label="Country" shown=${12} values=${r("views_by_country")} of=${n} write=${he.country} ...${ie("country")} empty="No view had a country." /></div></div>
    <//>
    <${p} title="Pages" about="page views" files=${b(ee,"top_pages")}><${q} label="Page" values=${r("top_pages")} of=${r("page_views")} empty="No page views in these days: put vts.js on your pages." /><//>
    ${a("Referrers","referrer","No view came from another site.")}
    <${p} title="Channels" about="views" files=${b("/api/admin/channels","channels")}>
      <${v} asked=${o} lines=${8}>
        ${s=>t`<${q} label="Channel" values=${Object.fromEntries((K(s,y.value)("channels")??[]).map(i=>[i.channel,i[`views${y.value}`]]))}
            of=${n} write=${u} link=${()=>"/channels"} empty="Players and pages have named no channel in these days." />`}
      <//>
    <//>
    <div class="cards four">${a("Devices","device")} ${a("Kinds of views","type")} ${a("Sources","source")}
      <${p} title="Errors" about="by kind" files=${b(ee,"errors_by_type")}><${q} label="Error" values=${r("errors_by_type")} empty="The host application reported no errors." /><//>
    </div>`;function a(s,i,l="No views in these days."){return t`<${p} title=${s} about="views" files=${b(ee,i)}><${q} label=${s} values=${r(`views_by_${i}`)} of=${n} write=${he[i]} ...${ie(i)} empty=${l} /><//>`}}var Te=100,Ee=C("");function yt(){let e=M.value.searchParams,o=e.get("status"),r=_("site"),n=Math.floor(oe.value/6e4),a=A("/api/players",{limit:Te,status:o,after:e.get("after")},`${r?.seq} ${n}`),{now:s,former:i}=E("/api/admin/sitewide-stats",null,{limit:20}),l=Ee.value.trim().toLowerCase();return t`<${P} title="Players" about="Devices on walls and shelves, and what they report." zone=${s.data} people=${!1} />
    <${v} asked=${s} room=${t`<${O} metrics=${3} chart=${!1} />`}>
      ${c=>{let f=c.player_activity,d=i?.player_activity;return t`<div class="metrics">
          <${m} name="registered" label="Registered" n=${c.players_registered} />
          <${m} name="active_players" label="Active in these days" n=${f.active_players} was=${d?.active_players} />
          <${m} name="views" label="Views by players" n=${f.views} was=${d?.views} />
        </div>`}}
    <//>
    <${p} title="All players" wide=${!0} files=${`/api/players?limit=500${o?`&status=${o}`:""}`}>
      <div class="filters">
        <input type="search" placeholder="Search names" aria-label="Search names" value=${Ee.value} onInput=${c=>{Ee.value=c.currentTarget.value}} />
        <div class="switch" role="group" aria-label="Status">
          ${[null,"online","offline"].map(c=>t`<button type="button" aria-pressed=${o===c} onClick=${()=>T({status:c,after:null})}>${c?u(c):"All"}</button>`)}
        </div>
      </div>
      <${v} asked=${a} lines=${8}>
        ${c=>{let f=c.players.filter(d=>!l||`${d.name??""} ${d.player_key}`.toLowerCase().includes(l));return f.length?t`<div class="scroll" tabindex="0" role="region" aria-label="Players"><table class="rows">
              <thead><tr><th scope="col">Player</th><th scope="col">Status</th><th scope="col">Shows</th><th scope="col">Firmware</th><th scope="col">Country</th><th scope="col">Last seen</th><th scope="col">Last view</th></tr></thead>
              <tbody>${f.map(d=>t`<tr key=${d.player_key}>
                  <th scope="row">${d.name??"Player"} <small title=${d.player_key}>${d.player_key.slice(0,8)}</small></th>
                  <td><span class=${`status ${d.status}`}>${d.status?u(d.status):"Never seen"}</span>${d.status==="online"&&d.online_since?t` <small>since ${se(d.online_since)}</small>`:""}</td>
                  <td>${d.current_post_id?t`<a href=${N(d.current_post_id)}>${d.current_post_id}</a>`:"–"}</td>
                  <td>${d.firmware_version??"–"}</td><td>${d.country?W(d.country):"–"}</td>
                  <td>${pe(d.last_seen_at,oe.value)}</td><td>${pe(d.last_view_at,oe.value)}</td></tr>`)}</tbody></table></div>
            ${c.players.length===Te&&t`<nav class="pager" aria-label="Pages of the list"><button type="button" onClick=${()=>T({after:c.players.at(-1).player_key})}>Next ${Te}</button></nav>`}
            ${e.has("after")&&t`<nav class="pager"><button type="button" onClick=${()=>T({after:null})}>Back to the first</button></nav>`}`:t`<${w}>${l||o?"No player fits: change the search or the status.":"No players are registered: POST /api/players registers one."}<//>`}}
      <//>
    <//>
    <div class="cards start">
      <${p} title="Views by player" wide="two" files=${b("/api/admin/sitewide-stats","player")}><${v} asked=${s} lines=${8}>${c=>t`<${Ft} rows=${c.player_activity.views_by_player} of=${c.player_activity.views} />`}<//><//>
      <${p} title="Reports that were refused" files=${b("/api/admin/outcomes","by_source")}><${Wt} /><//>
    </div>`}function Ft({rows:e,of:o}){let r=Object.fromEntries(e.map(a=>[a.player_key,a.name??a.player_key.slice(0,8)])),n=Object.fromEntries(e.map(a=>[a.player_key,a.views]));return t`<${q} label="Player" values=${n} of=${o} write=${a=>r[a]} empty="No player has reported a view in these days." />`}function Wt(){let{now:e}=E("/api/admin/outcomes",null);return t`<${v} asked=${e}>
    ${o=>{let r=o.by_source.filter(a=>a.source==="player"&&a.outcome!=="accepted"),n=Object.fromEntries(r.map(a=>[a.outcome,a.events]));return t`<${q} label="Reason" values=${n} write=${u} link=${a=>`/not-counted?pick=reason:${a}`} empty="Every report of a player counted in these days." />`}}
  <//>`}var Oe=document.getElementById("dashboard"),k=JSON.parse(Oe.dataset.me??"{}"),Pe={overview:["Overview",wt,!0],now:["Now",ut,!0],players:["Players",yt,!0],channels:["Channels",lt,!0],"not-counted":["Why not counted",vt,!0],operations:["Operations",ht,!0],content:["Content",tt,!1],artist:["Artist",at,!1]};function Ht(){let{page:e,id:o}=ae.value,r=Pe[e],n=r?r[0]:"Not found";document.title=`${o||n} – VTS`;let a=Kt(r),s=qe(`${e} ${o}`);L(()=>{let l=document.getElementById("page");s.current!==`${e} ${o}`&&document.activeElement===document.body&&l?.focus({preventScroll:!0}),s.current=`${e} ${o}`},[e,o]);let i=Object.entries(Pe).filter(([,[,,l]])=>l&&k.reads_everything);return t`<a class="skip" href="#page">To the page</a>
    <header class="top">
      <a class="brand" href="/">VTS</a>
      <nav aria-label="Pages">
        ${i.map(([l,[c]])=>t`<a key=${l} href=${l==="overview"?"/":`/${l}`} aria-current=${e===l?"page":void 0}>${c}</a>`)}
        ${k.user&&t`<a href=${`/artist/${encodeURIComponent(k.user)}`} aria-current=${e==="artist"&&o===k.user?"page":void 0}>My contents</a>`}
      </nav>
      <${Jt} />
      <${Fe} state=${Ne.value} />
      <${zt} />
    </header>
    <main id="page" tabindex="-1">${a?t`<h1 class="unseen">${n}</h1><${re} fault=${new B(a,"")} />`:r?t`<${r[1]} key=${`${e} ${o}`} />`:t`<p class="failed"><strong>There is no such page.</strong> <a href="/">To the overview</a></p>`}</main>
    <footer class="quiet"><a href="/docs">API</a></footer>`}function Kt(e){return k.roles?e?.[2]&&!k.reads_everything?403:0:Me.secret?0:401}function zt(){if(!k.roles)return t`<a href="/login">Sign in</a>`;let e=(o,r)=>t`<form method="post" action=${o}><input type="hidden" name="form" value=${k.form} /><button>${r}</button></form>`;return t`<details class="files account"><summary>${k.user??u(k.roles[0]??"account")}</summary>
    <div><span class="quiet">${k.roles.map(u).join(", ")}</span>${e("/logout","Sign out")}${e("/logout?everywhere=1","Sign out everywhere")}</div>
  </details>`}function Jt(){return t`<form class="find" role="search" onSubmit=${o=>{o.preventDefault();let r=o.currentTarget,n=`${new FormData(r).get("id")}`.trim();n&&$e(`/content/${encodeURIComponent(n).replaceAll("%3A",":")}`),r.reset()}}><input type="search" name="id" placeholder="Content id" aria-label="Content id, like 42 or blog:7" /></form>`}function Yt(e){let o=e.target.closest?.("a[href]");if(!(o instanceof HTMLAnchorElement)||e.defaultPrevented||e.button||e.metaKey||e.ctrlKey)return;let r=new URL(o.href);if(r.origin!==location.origin||o.hasAttribute("download")||o.target||r.hash)return;let{page:n}={page:r.pathname.split("/")[1]||"overview"};Pe[n]&&(e.preventDefault(),$e(r.pathname+r.search))}document.addEventListener("click",Yt);location.pathname==="/"&&k.user&&!k.reads_everything&&(history.replaceState(null,"",`/artist/${encodeURIComponent(k.user)}${location.search}`),M.value=new URL(location.href));Be();Le();Oe.replaceChildren();xe(t`<${Ht} />`,Oe);
