import{H as h,J as u,K as S,M as w,P as b,R as k,S as g,T as y,U as T,a as s,b as i,d as n,e as m,g as d,h as p,i as c,na as _,q as l,u as $,v as f,w as o}from"./chunk-S7XP72TG.js";import{b as r}from"./chunk-MNTAYEIE.js";var A=document.getElementById("dashboard");d.secret=location.pathname.split("/")[2]??"";n(async()=>{let t=AbortSignal.timeout(s);return(await p("/api/share/ticket",{},{method:"POST",signal:t})).ticket});function P(){let t=c("/api/share"),e=y(t.data?.topic??null),{now:a,former:I}=T("/api/share/stats",e?.seq,{trend_of:g(k)}),O=a.data&&(t.data?.kind==="artist"?f(a.data):`${$(a.data.kind??"content")}.`),v=t.data?`Shared until ${l(t.data.expires_at)}.`:"…";return o`<header class="top"><span class="brand">VTS</span><span class="quiet shared">Statistics, shared by a link</span><${S} state=${i.value} /></header>
    <main id="page">
      <${u} title=${A.dataset.name} about=${`${O??""} ${v}`} zone=${a.data} />
      <${b} asked=${a} room=${o`<${w} metrics=${8} />`}>
        ${E=>o`<${_} body=${E} former=${I} live=${e} path=${null} />`}
      <//>
    </main>`}h();m();r(o`<${P} />`,A);
